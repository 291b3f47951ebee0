"""How a trigger asks: never more often than it is told to, whatever the service answers."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from airflow_provider_cloudfn.triggers.http_poll import HttpPollTrigger
from airflow_provider_cloudfn.triggers.poll import HttpPoll


@pytest.fixture
def service(connected: Any) -> Any:
    """Return the server behind the connection ``service``, whose key is a secret."""
    return connected(password="s3cret-key", extra={"auth_type": "api_key", "key_name": "X-Api-Key"})


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

    assert event_of(waiting=(404,)) == {"outcome": "found", "reason": None, "deadline": None}
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

    assert event_of(waiting=(404,)) == {"outcome": "failed", "reason": reason, "deadline": None}
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

    assert event == {"outcome": "failed", "reason": "AirflowNotFoundException", "deadline": None}


@pytest.mark.parametrize("status", [401, 500])
def test_where_it_shall_go_on_it_keeps_the_interval(service: Any, status: int) -> None:
    service.answer_in_turn(*[(status, {})] * 3, (200, {}))

    began = time.monotonic()
    event = event_of(0.2, go_on=True)

    assert event["outcome"] == "found"
    # A 401 of a connection without tokens is asked once for each interval.
    assert time.monotonic() - began >= 0.2


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_waited_for(service: Any, status: int) -> None:
    service.answer_in_turn((status, {}, {"Retry-After": "1"}), (200, {}))

    began = time.monotonic()
    event = event_of()

    assert event["outcome"] == "found"
    assert time.monotonic() - began >= 1
    assert len(service.received) == 2


def test_no_secret_is_in_the_row(service: Any) -> None:
    poll = HttpPoll(conn_id="service", uri="/thing")

    assert "s3cret-key" not in repr(HttpPollTrigger(poll=poll, poll_interval=1).serialize())
