"""What crosses a process comes back as it was, and nothing else is taken."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from airflow.sdk.module_loading import import_string
from airflow.triggers.base import BaseEventTrigger, BaseTrigger
from hypothesis import given
from hypothesis import strategies as st
from kit.package_modules import modules

from airflow_provider_cloudfn.client.secret import Secret
from airflow_provider_cloudfn.events.place import Place
from airflow_provider_cloudfn.events.signature import CallbackAddress
from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.triggers.event_trigger import CloudFunctionEventTrigger
from airflow_provider_cloudfn.triggers.event_wait import EventWaitTrigger
from airflow_provider_cloudfn.triggers.http_poll import HttpPollTrigger, PollEvent
from airflow_provider_cloudfn.triggers.job import Job, JobPoll
from airflow_provider_cloudfn.triggers.job_wait import JobEvent, JobTrigger
from airflow_provider_cloudfn.triggers.poll import HttpPoll
from airflow_provider_cloudfn.triggers.wait import Wait, WaitEvent

#: Data may have keys like the wire format's own.
KEYS = st.text() | st.sampled_from(["$cloudfn.secret", "$cloudfn.secret$", "$cloudfn.secret$$"])
TEXTS = st.dictionaries(KEYS, st.text() | st.builds(Secret, st.text()), max_size=3)
POLLS = st.builds(
    HttpPoll,
    conn_id=st.text(),
    method=st.sampled_from(["GET", "POST"]),
    uri=st.text(),
    query=st.none() | TEXTS,
    headers=TEXTS,
    json=st.none()
    | st.recursive(
        st.integers() | st.text() | st.builds(Secret, st.text()),
        lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner, max_size=2),
    ),
    data=st.none() | st.text() | TEXTS,
    timeout=st.none() | st.floats(0.1, 100),
    waiting=st.lists(st.integers(100, 599), max_size=3).map(tuple),
    any_status=st.booleans(),
    until=st.none() | st.text(),
    once=st.booleans(),
    list_style=st.sampled_from(["repeat", "brackets", "comma"]),
    as_it_came=st.booleans(),
)
JSON = st.none() | st.recursive(
    st.integers() | st.text() | st.booleans(),
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner, max_size=2),
)
JOBS = st.builds(
    Job,
    poll=st.builds(
        JobPoll,
        question=POLLS,
        done_when=st.text(),
        failed_when=st.none() | st.text(),
        known=st.dictionaries(st.sampled_from(["job", "inputs"]), JSON),
        every=st.floats(0.1, 100),
        at_most_every=st.floats(0.1, 100),
        tolerate=st.integers(0, 9),
        moves=st.booleans(),
        place=st.sampled_from(["", "poll."]),
    ),
    answer=st.none() | st.dictionaries(KEYS, JSON),
    begun=st.floats(0, 1e10),
)
JOB = Job(
    poll=JobPoll(question=HttpPoll(conn_id="shop", once=True), done_when="true", known={"job": {"body": {"id": "7"}}}),
    answer={"body": {"id": "7"}},
    begun=1.5,
)

MOMENTS = st.datetimes(timezones=st.just(dt.UTC))
WAITS = st.builds(
    Wait,
    event=st.none() | st.text(),
    uri=st.none() | st.text(),
    place=st.none() | st.builds(Place, MOMENTS, st.lists(st.integers(0, 2**31)).map(tuple)),
    match=st.none() | st.text(),
    known=st.dictionaries(st.sampled_from(["response", "inputs"]), JSON),
    callback=st.none()
    | st.builds(CallbackAddress, st.text(), st.text(), st.text(), *(st.integers(-1, 2**40) for _ in range(3))),
    answer=st.none() | st.dictionaries(KEYS, JSON),
    content_type=st.none() | st.text(),
    answered=st.booleans(),
    begun=st.floats(0, 1e10),
)
WAIT = Wait(
    event="order.shipped",
    uri="x-cloudfn://completion-event/order.shipped",
    place=Place(dt.datetime(2026, 1, 1, tzinfo=dt.UTC), (1, 2)),
    match="event.result.id == response.body.id",
    known={"response": {"body": {"id": "7"}}},
    answered=True,
    begun=1.5,
)


def watcher() -> dict[type[Any], Any]:
    """Return a watcher's trigger, where this Airflow has an asset state (3.3)."""
    if not hasattr(BaseEventTrigger, "create_shared_stream_producer"):
        return {}
    made = CloudFunctionEventTrigger(
        uri='"/v1/orders"',
        query={"after": "cursor"},
        cursor="response.body.next",
        match="item.total > 1",
        every=30,
        backlog=True,
    )
    return {CloudFunctionEventTrigger: made}


EXAMPLES: dict[type[Any], Any] = {
    HttpPollTrigger: HttpPollTrigger(
        poll=HttpPoll(conn_id="shop", waiting=(404,)),
        poll_interval=60,
        longest_interval=600,
        first_wait=5,
        go_on=True,
        deadline=3600.5,
        asks=False,
    ),
    JobTrigger: JobTrigger(
        job=JOB, seconds=3600.5, first_wait=5, cancel=HttpPoll(conn_id="shop", method="DELETE", uri="/jobs/7")
    ),
    EventWaitTrigger: EventWaitTrigger(wait=WAIT, seconds=3600.5, looks=2),
    **watcher(),
}


def trigger_classes() -> list[type[BaseTrigger]]:
    return [
        value
        for module in modules("triggers")
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, BaseTrigger) and value.__module__ == module.__name__
    ]


@pytest.mark.parametrize("kind", trigger_classes())
def test_every_trigger_is_made_again_from_its_row(kind: type[BaseTrigger]) -> None:
    path, arguments = EXAMPLES[kind].serialize()

    again = import_string(path)(**json.loads(json.dumps(arguments)))

    assert type(again) is kind
    assert again.serialize() == (path, arguments)


@pytest.mark.parametrize("kind", trigger_classes())
def test_airflow_s_own_encoding_keeps_it(kind: type[BaseTrigger]) -> None:
    from airflow.sdk.serde import deserialize, serialize

    _, arguments = EXAMPLES[kind].serialize()

    assert deserialize(json.loads(json.dumps(serialize(arguments)))) == arguments


def back(written_down: Any) -> Any:
    """Return what another process reads of it."""
    return type(written_down).from_dict(json.loads(json.dumps(written_down.to_dict())))


@given(POLLS | JOBS | WAITS)
def test_what_a_trigger_is_given_comes_back_as_it_was(given: HttpPoll | Job | Wait) -> None:
    assert back(given) == given


@pytest.mark.parametrize(
    "event",
    [
        PollEvent("found"),
        PollEvent("late", left=0.0),
        PollEvent("large", left=7),
        PollEvent("failed", "AuthenticationError", 59.5),
        *(JobEvent(outcome, 59.5, JOB.to_dict(), "ResponseError") for outcome in ("ended", "error", "late")),
        *(WaitEvent(outcome, 59.5, WAIT.to_dict(), 3) for outcome in ("found", "look", "late")),
    ],
    ids=lambda event: f"{type(event).__name__} {event.outcome}",
)
def test_an_event_comes_back_as_it_was(event: PollEvent | JobEvent | WaitEvent) -> None:
    assert back(event) == event


@pytest.mark.parametrize(
    "data",
    [
        {"$cloudfn.secret": "tenant_key"},
        {"note": [{"$cloudfn.secret": "tenant_key"}]},
        {"$cloudfn.secret": {"$cloudfn.secret": "tenant_key"}},
        {"$cloudfn.secret$": "tenant_key"},
        {"$cloudfn.secret": Secret("tenant_key")},
    ],
)
def test_data_that_looks_like_a_secret_s_place_stays_data(data: Any) -> None:
    poll = HttpPoll(conn_id="shop", query=data, headers=data, json=data, data=data)

    assert back(poll) == poll


def test_a_secret_is_written_by_its_name() -> None:
    written = HttpPoll(conn_id="shop", headers={"X-Key": Secret("tenant_key")}).to_dict()

    assert written["headers"] == {"X-Key": {"$cloudfn.secret": "tenant_key"}}


@pytest.mark.parametrize(
    ("kind", "written", "message"),
    [
        (HttpPoll, "a question", "poll: must be a map, not str"),
        (HttpPoll, {}, "conn_id is missing"),
        (
            HttpPoll,
            {"conn_id": "a", "verb": "GET"},
            "'verb' is not known here; run the worker and the triggerer with the same version",
        ),
        (HttpPoll, {"conn_id": 1}, "conn_id can't be of type int"),
        (HttpPoll, {"conn_id": "a", "headers": None}, "headers can't be of type NoneType"),
        (HttpPoll, {"conn_id": "a", "waiting": 404}, "waiting can't be of type int"),
        (HttpPoll, {"conn_id": "a", "list_style": 1}, "list_style can't be of type int"),
        (Job, "a job", "job: must be a map, not str"),
        (Job, {}, "job: poll is missing"),
        (Job, {**JOB.to_dict(), "poll": {"question": {"conn_id": "a"}}}, "job: done_when is missing"),
        (
            Job,
            {**JOB.to_dict(), "poll": {"question": {"conn_id": "a"}, "done_when": 1}},
            "job: done_when can't be of type int",
        ),
        (Job, {**JOB.to_dict(), "poll": {"until": "x"}}, "job: 'until' is not known here"),
        (Job, {**JOB.to_dict(), "answer": "7"}, "job: answer can't be of type str"),
        (Wait, "a wait", "wait: must be a map, not str"),
        (Wait, {}, "wait: begun is missing"),
        (Wait, {**WAIT.to_dict(), "match": 1}, "wait: match can't be of type int"),
        (Wait, {**WAIT.to_dict(), "until": "x"}, "wait: 'until' is not known here"),
        (Wait, {**WAIT.to_dict(), "place": {"after": "2026-01-01T00:00:00"}}, "the place of a wait is none of ours"),
        (Wait, {**WAIT.to_dict(), "place": {"after": "2026-01-01T00:00:00Z", "besides": ["1"]}}, "the place of a wait"),
        (Wait, {**WAIT.to_dict(), "callback": {"dag_id": "d"}}, "the wait for a callback is none of ours"),
        *(
            (PollEvent, written, "the trigger's event is none of ours")
            for written in (None, "found", {}, {"outcome": "success"}, {"outcome": "found", "left": "2030-01-01T00:00"})
        ),
        *(
            (kind, written, "the trigger's event is none of ours")
            for kind, others in ((JobEvent, "found"), (WaitEvent, "ended"))
            for written in (None, {}, {"outcome": others, "seconds": 1.0}, {"outcome": "late"})
        ),
    ],
)
def test_what_is_nothing_of_the_kind_is_refused(kind: Any, written: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        kind.from_dict(written)


@pytest.mark.parametrize("deadline", ["2030-01-01T00:00:00+00:00", True, float("inf"), float("nan")])
def test_a_deadline_that_is_no_number_of_seconds_is_refused(deadline: Any) -> None:
    with pytest.raises(ConfigurationError, match="deadline: must be seconds"):
        HttpPollTrigger(poll=HttpPoll(conn_id="shop"), poll_interval=1, deadline=deadline)


def test_a_question_shows_neither_headers_nor_bodies() -> None:
    shown = repr(HttpPoll(conn_id="shop", headers={"X": "s3cret"}, json={"a": "s3cret"}, data="s3cret"))

    assert "s3cret" not in shown


def test_a_wait_shows_nothing_of_an_answer() -> None:
    shown = repr(Wait(begun=0.0, known={"response": {"body": "s3cret"}}, answer={"body": "s3cret"}))

    assert "s3cret" not in shown


@pytest.mark.parametrize(
    "event", [JobEvent("ended", 1.0, {"answer": "kept"}), WaitEvent("found", 1.0, {"answer": "kept"})]
)
def test_what_a_trigger_says_shows_nothing_of_an_answer_in_airflow_s_log(event: JobEvent | WaitEvent) -> None:
    from airflow.triggers.base import TriggerEvent

    fired = TriggerEvent(event.to_dict())

    assert "kept" not in f"{fired!r} {fired}"
    assert "kept" in fired.model_dump_json()
