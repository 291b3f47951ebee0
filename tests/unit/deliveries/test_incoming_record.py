"""The record that an event from outside becomes."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cloudfn.deliveries.incoming_record import incoming_record
from airflow_provider_cloudfn.events.cloudevent import from_cloudevent, to_cloudevent
from airflow_provider_cloudfn.events.record import CompletionRecord
from airflow_provider_cloudfn.webhooks.incoming import IncomingEvent

NOW = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)
identities = st.tuples(st.text(), st.text(), st.none() | st.text(), st.text())


def record(receiver: str = "shop", **given: Any) -> CompletionRecord:
    event: dict[str, Any] = {"type": "order.paid", "id": "1", "digest": "d", "source": "/shop", "subject": None}
    event |= {"occurred_at": NOW, "data": {"n": 1}, "attributes": {}, **given}
    return incoming_record(receiver, IncomingEvent(**event))


def identity(given: tuple[str, str, str | None, str]) -> tuple[Any, ...]:
    """Return what an event is known by: its digest only where its sender gave no id."""
    receiver, source, event_id, digest = given
    return (receiver, "digest", digest) if event_id is None else (receiver, source, event_id)


@given(identities, identities)
def test_two_events_have_one_id_only_if_they_are_one(
    one: tuple[str, str, str | None, str], other: tuple[str, str, str | None, str]
) -> None:
    ids = [
        record(receiver, source=source, id=event_id, digest=digest).id
        for receiver, source, event_id, digest in (one, other)
    ]

    assert (ids[0] == ids[1]) == (identity(one) == identity(other))


def test_an_id_is_no_digest() -> None:
    assert record(id="d").id != record(id=None, digest="d").id


def test_it_says_who_sent_it_and_keeps_what_the_sender_said() -> None:
    made = record(
        subject="1001", attributes={"traceparent": "00-1-2-01"}, occurred_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    )

    metadata: Any = made.to_dict()["metadata"]
    assert metadata == {
        "specversion": "1.0",
        "id": made.id,
        "type": "order.paid",
        "source": "/shop",
        "subject": "1001",
        "occurredAt": "2026-01-01T00:00:00Z",
        "function": "shop",
        "dag_id": None,
        "run_id": None,
        "task_id": None,
        "map_index": -1,
        "sender_id": "1",
        "extensions": {"traceparent": "00-1-2-01"},
    }


@pytest.mark.parametrize("data", [None, "text", 5, [1, {"a": 12}], {"a": 12345678901234567890}])
def test_it_is_a_record_as_any_other(data: Any) -> None:
    made = record(data=data, attributes={"traceparent": "00-1-2-01"})

    assert CompletionRecord.from_dict(made.to_dict()) == made
    assert from_cloudevent(to_cloudevent(made)) == made
