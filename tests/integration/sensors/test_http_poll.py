"""How a trigger asks: never more often than it is told to, whatever the service answers."""

from __future__ import annotations

import asyncio
import datetime as dt
import gzip
import json
import threading
import time
from typing import Any

import pytest
import time_machine
from airflow.sdk.exceptions import TaskDeferred

from airflow_provider_cloudfn import CloudFunctionHttpSensor
from airflow_provider_cloudfn.client import driver
from airflow_provider_cloudfn.triggers.http_poll import HttpPollTrigger
from airflow_provider_cloudfn.triggers.poll import LARGEST, HttpPoll


async def first_event(trigger: HttpPollTrigger) -> Any:
    async for event in trigger.run():
        return event.payload
    return None


def event_of(poll_interval: float = 0.01, *, go_on: bool = False, **question: Any) -> Any:
    poll = HttpPoll(conn_id="service", uri="/thing", **question)
    trigger = HttpPollTrigger(poll=poll, poll_interval=poll_interval, first_wait=0, go_on=go_on)
    return asyncio.run(asyncio.wait_for(first_event(trigger), timeout=20))


def test_it_ends_when_the_answer_is_there(service: Any) -> None:
    service.answer_in_turn((404, {}), (404, {}), (200, {}))

    assert event_of(waiting=(404,)) == {"outcome": "found", "reason": None, "left": None}
    assert len(service.received) == 3


def test_it_asks_with_the_credentials_of_the_connection(service: Any) -> None:
    event_of(headers={"X-Own": "a"}, query={"since": "1"})

    (request,) = service.received
    assert request.headers["x-api-key"] == "s3cret-key"
    assert request.headers["x-own"] == "a"
    assert request.target == "/thing?since=1"


def test_it_ends_when_the_answer_is_the_one(service: Any) -> None:
    service.answer_in_turn((200, {"state": "busy"}), (200, {"state": "done"}))

    assert event_of(until="response.body.state == 'done'")["outcome"] == "found"
    assert len(service.received) == 2


@pytest.mark.parametrize(
    ("status", "reason"), [(401, "AuthenticationError"), (403, "AuthorizationError"), (410, "ResponseError")]
)
def test_an_error_ends_it_after_one_question(service: Any, status: int, reason: str) -> None:
    service.answer(status, {"error": "no"})

    assert event_of(waiting=(404,)) == {"outcome": "failed", "reason": reason, "left": None}
    assert len(service.received) == 1


@pytest.mark.parametrize(
    "question", [{"until": "response.nope"}, {"until": "1"}, {"uri": "//elsewhere.example/x"}], ids=str
)
def test_what_can_never_work_ends_it_too(service: Any, question: dict[str, Any]) -> None:
    poll = HttpPoll(**{"conn_id": "service", "uri": "/thing", **question})

    event = asyncio.run(first_event(HttpPollTrigger(poll=poll, poll_interval=0.01, first_wait=0)))

    assert event["outcome"] == "failed"
    assert len(service.received) <= 1


def test_a_connection_that_is_gone_ends_it(airflow_database: None) -> None:
    poll = HttpPoll(conn_id="nowhere")

    event = asyncio.run(first_event(HttpPollTrigger(poll=poll, poll_interval=0.01, first_wait=0)))

    assert event == {"outcome": "failed", "reason": "ConfigurationError", "left": None}


@pytest.mark.parametrize("status", [401, 500])
def test_where_it_shall_go_on_it_keeps_the_interval(service: Any, status: int) -> None:
    service.answer_in_turn(*[(status, {})] * 3, (200, {}))

    began = time.monotonic()
    event = event_of(0.2, go_on=True)

    assert event["outcome"] == "found"
    # A 401 of a connection without tokens is asked once for each interval.
    assert time.monotonic() - began >= 0.2


def test_it_backs_off_as_the_sensor_would(service: Any) -> None:
    service.answer(404)

    row = row_of_a_sensor(3, poke_interval=0.05, exponential_backoff=True)[1]
    event = asyncio.run(asyncio.wait_for(first_event(HttpPollTrigger(**{**row, "first_wait": 0})), timeout=20))

    assert event["outcome"] == "late"
    # After 0, 0.05, 0.15, 0.35, 0.75 and 1.55 seconds, and the sensor's own before.
    assert 5 <= len(service.received) <= 7


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_waited_for(service: Any, status: int) -> None:
    service.answer_in_turn((status, {}, {"Retry-After": "1"}), (200, {}))

    began = time.monotonic()
    event = event_of()

    assert event["outcome"] == "found"
    assert time.monotonic() - began >= 1
    assert len(service.received) == 2


def row_of_a_sensor(timeout: float, **parameters: Any) -> tuple[Any, dict[str, Any]]:
    """Return what a sensor defers with, and the row of its trigger."""
    given = {"poke_interval": 0.05, **parameters}
    sensor = CloudFunctionHttpSensor(
        task_id="wait", http_conn_id="service", endpoint="/thing", timeout=timeout, deferrable=True, **given
    )
    with pytest.raises(TaskDeferred) as deferred:
        sensor.execute({})
    return deferred.value, json.loads(json.dumps(deferred.value.trigger.serialize()[1]))


@pytest.mark.parametrize("off", [-300, 300], ids=["behind", "ahead"])
def test_a_trigger_asks_as_long_as_the_sensor_has_left_whatever_the_worker_s_clock_says(service: Any, off: int) -> None:
    service.answer(404)
    with time_machine.travel(dt.datetime.now(tz=dt.UTC) + dt.timedelta(seconds=off)):
        _, row = row_of_a_sensor(0.5)

    began = time.monotonic()
    event = asyncio.run(asyncio.wait_for(first_event(HttpPollTrigger(**row)), timeout=20))

    assert event == {"outcome": "late", "reason": None, "left": 0.0}
    assert 0.2 < time.monotonic() - began < 10
    assert len(service.received) > 1


def test_a_triggerer_that_is_started_again_counts_anew_and_airflow_s_own_time_out_ends_it(service: Any) -> None:
    service.answer(404)
    deferred, row = row_of_a_sensor(0.5)

    for _ in range(2):
        assert asyncio.run(first_event(HttpPollTrigger(**row)))["outcome"] == "late"
    assert dt.timedelta(minutes=1) < deferred.timeout <= dt.timedelta(minutes=1, seconds=0.5)


def test_the_event_says_how_much_is_left(service: Any) -> None:
    service.answer(200, {})

    event = asyncio.run(first_event(HttpPollTrigger(poll=HttpPoll(conn_id="service"), poll_interval=0.01, deadline=60)))

    assert event["outcome"] == "found"
    assert 40 < event["left"] < 60


@pytest.mark.parametrize("slow", ["poll.HttpPoll._judged", "driver.read_response"])
def test_what_reads_an_answer_holds_up_no_other_trigger(
    service: Any, monkeypatch: pytest.MonkeyPatch, slow: str
) -> None:
    service.answer(200, {"padding": "x" * 100_000, "state": "done"})
    owner: Any = HttpPoll if slow.startswith("poll") else driver
    name = slow.rpartition(".")[2]
    work = getattr(owner, name)
    begun, ended = threading.Event(), threading.Event()

    def waiting(*args: Any, **kwargs: Any) -> Any:
        begun.set()
        # Only what goes on in the event loop meanwhile lets this end.
        assert ended.wait(20)
        return work(*args, **kwargs)

    monkeypatch.setattr(owner, name, waiting)

    async def two_triggers() -> Any:
        poll = HttpPoll(conn_id="service", uri="/thing", until="response.body.state == 'done'")
        first = asyncio.create_task(first_event(HttpPollTrigger(poll=poll, poll_interval=0.01, first_wait=0)))
        assert await asyncio.to_thread(begun.wait, 20)
        ended.set()
        return await first

    assert asyncio.run(asyncio.wait_for(two_triggers(), timeout=60))["outcome"] == "found"


@pytest.mark.parametrize("go_on", [False, True])
def test_an_answer_that_is_large_once_it_is_decompressed_is_left_to_the_worker(service: Any, go_on: bool) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    service.answer_in_turn((200, gzip.compress(b"[" + b"[]," * LARGEST + b"[]]"), headers))

    event = event_of(until="response.body.size() == 3", go_on=go_on)

    assert event == {"outcome": "large", "reason": None, "left": None}


def test_a_trigger_that_only_waits_does_not_ask(service: Any) -> None:
    trigger = HttpPollTrigger(poll=HttpPoll(conn_id="service"), poll_interval=60, first_wait=0.01, asks=False)

    assert asyncio.run(first_event(trigger))["outcome"] == "large"
    assert service.received == []


def test_no_secret_is_in_the_row(service: Any) -> None:
    poll = HttpPoll(conn_id="service", uri="/thing")

    assert "s3cret-key" not in repr(HttpPollTrigger(poll=poll, poll_interval=1).serialize())


@pytest.mark.parametrize(
    ("until", "outcome"),
    [
        (None, "found"),
        ('response.text.contains("2")', "found"),
        ("response.status == 200", "found"),
        ("response.body.a == 2", "failed"),
    ],
)
def test_an_answer_that_is_no_json_is_the_one_unless_its_body_is_read(service: Any, until: str, outcome: str) -> None:
    service.answer(200, b'{"a":1}\n{"a":2}\n')

    assert event_of(until=until)["outcome"] == outcome
