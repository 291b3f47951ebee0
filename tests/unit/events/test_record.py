"""The completion record and the CloudEvent that it can become."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from cloudevents.core.bindings.http import from_binary_event, to_binary_event
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cloudfn.events.claim_check import payload_of
from airflow_provider_cloudfn.events.cloudevent import from_cloudevent, to_cloudevent
from airflow_provider_cloudfn.events.record import CompletionRecord, TaskInstanceKey, is_record
from airflow_provider_cloudfn.exceptions import ConfigurationError

words = st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=20)
payloads = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | words,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(words, children, max_size=3),
    max_leaves=8,
)
records = st.builds(
    CompletionRecord,
    id=words,
    type=words,
    source=words,
    subject=words,
    occurred_at=st.datetimes(min_value=dt.datetime.fromisoformat("1971-01-01"), timezones=st.just(dt.UTC)),
    function=words,
    producer=st.builds(TaskInstanceKey, words, words, words, st.integers(-1, 1000)),
    result=payloads,
)

came_in = st.builds(
    CompletionRecord,
    id=words,
    type=words,
    source=words,
    subject=st.just("") | words,
    occurred_at=st.datetimes(min_value=dt.datetime.fromisoformat("1971-01-01"), timezones=st.just(dt.UTC)),
    function=words,
    producer=st.none(),
    result=payloads,
    sender_id=st.none() | words,
    extensions=st.dictionaries(st.from_regex(r"ext[a-z0-9]{1,10}", fullmatch=True), words, max_size=3),
)


def charge() -> CompletionRecord:
    return CompletionRecord.of(
        TaskInstanceKey("charge_orders", "manual__1", "charge", 2),
        type="charge.created",
        function="Charge",
        result={"id": "ch_1"},
        occurred_at=dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC),
    )


@given(records | came_in)
def test_a_record_is_read_as_it_was_written(record: CompletionRecord) -> None:
    assert CompletionRecord.from_dict(record.to_dict()) == record


@given(records | came_in)
def test_a_record_becomes_a_cloudevent_and_back(record: CompletionRecord) -> None:
    assert from_cloudevent(to_cloudevent(record)) == record


def test_a_record_survives_a_journey_over_http() -> None:
    message = to_binary_event(to_cloudevent(charge()))

    assert from_cloudevent(from_binary_event(message)) == charge()


def test_the_record_has_the_documented_shape() -> None:
    written = charge().to_dict()

    assert written["result"] == {"id": "ch_1"}
    metadata: Any = written["metadata"]
    assert metadata.pop("id")
    assert metadata == {
        "specversion": "1.0",
        "type": "charge.created",
        "source": "airflow/charge_orders",
        "subject": "manual__1/charge/2",
        "occurredAt": "2026-01-31T12:00:00Z",
        "function": "Charge",
        "dag_id": "charge_orders",
        "run_id": "manual__1",
        "task_id": "charge",
        "map_index": 2,
    }


@pytest.mark.parametrize(
    "other",
    [
        TaskInstanceKey("charge_orders", "manual__1", "charge", 3),
        TaskInstanceKey("charge_orders", "manual__2", "charge", 2),
        TaskInstanceKey("charge_orders", "manual__1", "charg", 2),
        TaskInstanceKey("charge_ordersmanual__1", "", "charge", 2),
    ],
)
def test_an_id_is_one_task_instances_own(other: TaskInstanceKey) -> None:
    key = TaskInstanceKey("charge_orders", "manual__1", "charge", 2)

    assert key.stable_id("ce-id") == key.stable_id("ce-id")
    assert key.stable_id("ce-id") != other.stable_id("ce-id")
    assert key.stable_id("ce-id") != key.stable_id("idempotency_key")


@given(events=st.lists(st.text(), min_size=1), place=st.none() | st.text())
def test_the_events_that_started_a_run_stand_for_it_in_an_id(events: list[str], place: str | None) -> None:
    first, again = (TaskInstanceKey("fulfil", run_id, "start", 2) for run_id in ("asset_triggered__1", "manual__2"))

    ours = first.stable_id("ce-id", started_by=events, place=place)

    assert ours == again.stable_id("ce-id", started_by=[*reversed(events), events[0]], place=place)
    if place not in events:
        assert ours != first.stable_id("ce-id", started_by=[*events, "".join(events) + "x"], place=place)
    assert ours != first.stable_id("ce-id", place=place)


@given(events=st.lists(st.text(), min_size=1), others=st.lists(st.text()))
def test_a_place_that_is_one_of_the_events_stands_for_the_run_alone(events: list[str], others: list[str]) -> None:
    first, again = (TaskInstanceKey("fulfil", run_id, "start", index) for run_id, index in (("a", 2), ("b", 0)))
    place = events[0]

    ours = first.stable_id("ce-id", started_by=events, place=place)

    assert ours == again.stable_id("ce-id", started_by=[place, *others], place=place)
    assert ours != first.stable_id("ce-id", started_by=[place], place=place + "x")


def test_a_place_stands_for_the_map_index_in_an_id() -> None:
    first, moved = (TaskInstanceKey("welcome", "manual__1", "start", index) for index in (0, 7))

    assert first.stable_id("ce-id", place="cus_7") == moved.stable_id("ce-id", place="cus_7")
    assert first.stable_id("ce-id", place="0") != first.stable_id("ce-id")
    assert first.stable_id("ce-id", place="cus_7") != first.stable_id("ce-id", place="cus_8")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"metadata": None}, "a map with 'metadata' and 'result'"),
        (
            {"metadata": {**charge().to_dict()["metadata"], "occurredAt": "today"}},
            r"metadata\.occurredAt must be a time",
        ),  # type: ignore[dict-item]  # a JSON value
        (
            {"metadata": {**charge().to_dict()["metadata"], "source": 5}},
            r"metadata\.source must be text, not an integer",
        ),  # type: ignore[dict-item]  # a JSON value
        ({"metadata": {**charge().to_dict()["metadata"], "map_index": "0"}}, r"metadata\.map_index must be an integer"),  # type: ignore[dict-item]  # a JSON value
    ],
)
def test_a_record_that_is_none_is_refused_with_the_key(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        CompletionRecord.from_dict({**charge().to_dict(), **change})


@pytest.mark.parametrize(
    "extra", [{}, {"result": 1}, {"metadata": {}, "result": 1}, {"metadata": {"type": 1}, "result": 1}]
)
def test_an_extra_that_is_no_record_is_itself_the_payload(extra: dict[str, Any]) -> None:
    assert not is_record(extra)
    assert payload_of(extra) == extra


def test_the_payload_of_a_record_is_its_result() -> None:
    assert payload_of(charge().to_dict()) == {"id": "ch_1"}
