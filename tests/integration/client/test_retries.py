"""When a request is sent again within one call, and what is told of each attempt."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_cloudfn.auth.api_key import ApiKeyAuth
from airflow_provider_cloudfn.client.client import Client
from airflow_provider_cloudfn.client.ending import Ending
from airflow_provider_cloudfn.client.rate_limit import PacedLimiter, Rate
from airflow_provider_cloudfn.client.request import Request
from airflow_provider_cloudfn.client.retry import NO_RETRY, RetryPolicy
from airflow_provider_cloudfn.client.settings import Timeouts
from airflow_provider_cloudfn.client.url import BaseUrl
from airflow_provider_cloudfn.exceptions import (
    CommunicationError,
    ConfigurationError,
    ExpressionError,
    ResponseError,
)

if TYPE_CHECKING:
    from airflow_provider_cloudfn.client.attempt import Attempt
    from airflow_provider_cloudfn.client.response import Response

QUICK = RetryPolicy(attempts=3, first_wait=0.001, longest_wait=0.001)
SECRET = "s3cret-value"


@pytest.mark.parametrize(
    ("method", "call", "happens", "requests"),
    [
        ("GET", {}, ["503 X"], 2),
        ("GET", {}, ["429 X", "502 X"], 3),
        ("GET", {}, ["504 X", "504 X", "504 X"], 3),
        ("GET", {}, ["500 X"], 1),
        ("GET", {}, ["404 X"], 1),
        ("GET", {}, ["RESET"], 2),
        ("PUT", {}, ["RESET", "503 X"], 3),
        ("POST", {}, ["503 X", "429 X"], 3),
        ("POST", {}, ["502 X"], 1),
        ("POST", {}, ["504 X"], 1),
        ("POST", {}, ["RESET"], 1),
        ("PATCH", {}, ["RESET"], 1),
        ("POST", {"headers": {"Idempotency-Key": "k1"}}, ["RESET", "502 X"], 3),
        ("POST", {"idempotent": True}, ["504 X"], 2),
        ("GET", {"idempotent": False}, ["504 X"], 1),
        ("GET", {"retry": NO_RETRY}, ["503 X"], 1),
    ],
)
def test_a_request_is_sent_again_where_that_is_safe_and_can_help(
    talk: Any, answers: Any, method: str, call: dict[str, Any], happens: list[str], requests: int
) -> None:
    exchange = talk(answers(*happens), method, call=call, retry=QUICK)

    assert len(exchange.received) == requests
    assert len(set(exchange.received)) == 1
    assert isinstance(exchange.outcome, Exception) is (len(happens) >= requests)


def test_a_connection_that_was_never_made_is_tried_again_for_any_method(
    talk: Any, answers: Any, unused_tcp_port: int
) -> None:
    seen: list[Attempt] = []

    error = talk(
        answers(), "POST", base_url=f"http://127.0.0.1:{unused_tcp_port}", retry=QUICK, on_attempt=seen.append
    ).outcome

    assert type(error) is CommunicationError
    assert error.never_sent
    assert len(seen) == 3


def _redirecting(status: str, happens: list[str]) -> Any:
    """Return a server that answers a first request with a redirect, and what comes to its target with one after the other."""
    left = list(happens)

    async def script(wire: Any) -> None:
        while True:
            request = await wire.request()
            if b" /result" not in request:
                await wire.answer(b"", "Location: /result", status=status)
            elif (following := left.pop(0) if left else "200 OK") == "RESET":
                wire.reset()
                return
            else:
                await wire.answer(b"ok", status=following)

    return script


def _lines(exchange: Any) -> list[bytes]:
    return [request.partition(b" HTTP")[0] for request in exchange.received]


@pytest.mark.parametrize("status", ["303 See Other"])
@pytest.mark.parametrize("happens", [["503 X"], ["502 X", "RESET"]], ids=str)
def test_of_a_request_that_was_carried_out_only_getting_the_result_is_repeated(
    talk: Any, status: str, happens: list[str]
) -> None:
    exchange = talk(_redirecting(status, happens), "POST", uri="/charges", retry=QUICK)

    assert exchange.outcome.content == b"ok"
    first, *rest = _lines(exchange)
    assert first.startswith(b"POST /")
    assert rest == [b"GET /result"] * (len(happens) + 1)


def test_a_redirect_that_keeps_the_method_has_not_carried_the_request_out(talk: Any) -> None:
    exchange = talk(_redirecting("307 Temporary Redirect", ["503 X"]), "POST", uri="/charges", retry=QUICK)

    assert exchange.outcome.content == b"ok"
    assert [line.partition(b" ")[0] for line in _lines(exchange)] == [b"POST"] * 4


def test_what_was_carried_out_is_not_said_to_have_never_been_sent() -> None:
    async def call() -> None:
        async def redirect_and_go(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            server.close()
            writer.write(b"HTTP/1.1 303 X\r\nLocation: /result\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(redirect_and_go, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        await Client(base_url=BaseUrl.parse(f"http://127.0.0.1:{port}"), retry=QUICK).request(
            Request("POST", "/charges")
        )

    with pytest.raises(CommunicationError) as caught:
        asyncio.run(call())
    assert not caught.value.never_sent


def test_what_cannot_be_repeated_is_not_begun_with_less_time_than_it_took(talk: Any) -> None:
    async def slow_refusal(wire: Any) -> None:
        await wire.request()
        await asyncio.sleep(0.3)
        await wire.answer(status="503 X")

    exchange = talk(slow_refusal, "POST", call={"timeout": 0.5}, retry=QUICK)

    assert len(exchange.received) == 1


def test_a_predicate_replaces_the_stock_decision(talk: Any, answers: Any) -> None:
    policy = RetryPolicy(attempts=3, first_wait=0.001, retry_when=lambda response: response.body == "no")

    exchange = talk(answers("200 OK", "200 OK", headers=("Content-Type: text/plain",)), "POST", retry=policy)

    assert len(exchange.received) == 3
    assert len(talk(answers("503 X"), retry=RetryPolicy(retry_when=lambda _: False)).received) == 1


def test_no_attempt_begins_once_whoever_makes_the_call_is_ended(talk: Any, answers: Any) -> None:
    ending = Ending()
    exchange = talk(answers("503 X"), "POST", retry=QUICK, ending=ending, on_attempt=lambda _: ending.come())

    assert len(exchange.received) == 1
    assert exchange.outcome.status == 503

    exchange = talk(answers("503 X"), "POST", retry=QUICK, ending=ending)

    assert exchange.received == []
    assert "was not sent, as its task was ended from outside" in str(exchange.outcome)
    assert (exchange.outcome.never_sent, exchange.outcome.retryable) == (True, True)


@pytest.mark.parametrize("waits_for", ["the next attempt", "its first turn", "its next turn"])
def test_nobody_waits_beyond_the_end_of_whoever_makes_the_call(talk: Any, answers: Any, waits_for: str) -> None:
    ending, limiter = Ending(), PacedLimiter(Rate(1, 3600) if waits_for.endswith("turn") else None)
    retry = RetryPolicy(first_wait=0.001, total=7200)
    if waits_for == "its first turn":
        asyncio.run(limiter.acquire())
    hint = ("Retry-After: 5000",) if waits_for == "the next attempt" else ()
    timer = threading.Timer(0.3, ending.come)
    timer.start()

    exchange = talk(
        answers("503 X", headers=hint),
        "POST",
        retry=retry,
        ending=ending,
        limiter=limiter,
        timeouts=Timeouts(total=7200),
    )

    assert len(exchange.received) == (waits_for != "its first turn")
    assert exchange.outcome.retryable
    timer.join()


def test_a_service_that_asks_to_wait_is_waited_for(talk: Any, answers: Any) -> None:
    seen: list[Attempt] = []

    exchange = talk(
        answers("429 X", headers=("Retry-After: 0",)), retry=RetryPolicy(first_wait=60), on_attempt=seen.append
    )

    assert exchange.outcome.content == b"ok"
    assert [attempt.next_in for attempt in seen] == [0.0, None]


def test_a_wait_that_does_not_fit_in_the_time_that_is_left_is_left_to_the_task(talk: Any, answers: Any) -> None:
    exchange = talk(answers("429 X", headers=("Retry-After: 600",)), retry=QUICK)

    assert len(exchange.received) == 1
    assert type(exchange.outcome) is ResponseError
    assert (exchange.outcome.retryable, exchange.outcome.retry_after) == (True, 600.0)


def test_each_attempt_is_told_and_logged_without_a_secret(
    talk: Any, answers: Any, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[Attempt] = []
    with caplog.at_level(logging.DEBUG, logger="airflow_provider_cloudfn"):
        talk(
            answers("RESET", "503 X", headers=("X-Request-Id: r-1",)),
            uri=f"/v1/{SECRET}",
            retry=QUICK,
            auth=ApiKeyAuth("key", SECRET, "query"),
            on_attempt=seen.append,
        )

    assert [(a.number, a.status, a.error_type, a.request_id, a.received) for a in seen] == [
        (1, None, "CommunicationError", None, 0),
        (2, 503, None, "r-1", 2),
        (3, 200, None, None, 2),
    ]
    lines = [record.getMessage() for record in caplog.records if "(attempt" in record.getMessage()]
    outcomes = [line.partition(" → ")[2].partition(" in ")[0] for line in lines]
    assert outcomes == ["CommunicationError", "503", "200"]
    assert SECRET not in caplog.text + repr(seen)


def test_an_attempt_is_told_though_the_question_whether_to_try_again_fails(talk: Any, answers: Any) -> None:
    seen: list[Attempt] = []

    def fail(_: Response) -> bool:
        raise ExpressionError("no such key")

    exchange = talk(answers(), "POST", retry=RetryPolicy(retry_when=fail), on_attempt=seen.append)

    assert type(exchange.outcome) is ExpressionError
    assert [(attempt.status, attempt.next_in) for attempt in seen] == [(200, None)]


def test_an_attempt_that_is_cancelled_is_told(server_of: Any, client_of: Any) -> None:
    seen: list[Attempt] = []

    async def cancelled() -> None:
        got = asyncio.Event()

        async def silence(wire: Any) -> None:
            await wire.request()
            got.set()
            await wire.wait_for_the_end()

        async with server_of(silence) as server:
            call = asyncio.ensure_future(client_of(server, on_attempt=seen.append).request(Request("POST", "/v1")))
            await got.wait()
            call.cancel()
            await asyncio.wait([call])

    asyncio.run(cancelled())
    assert [(attempt.status, attempt.error_type) for attempt in seen] == [(None, "CancelledError")]


def test_an_observer_that_fails_breaks_no_call(talk: Any, answers: Any) -> None:
    def fail(_: Attempt) -> None:
        raise RuntimeError("observer")

    assert talk(answers(), on_attempt=fail).outcome.content == b"ok"


def test_an_attempt_can_have_headers_of_its_own(talk: Any, answers: Any) -> None:
    exchange = talk(answers("503 X"), retry=QUICK, headers_for_attempt=lambda number: {"traceparent": f"00-{number}"})

    assert [b"traceparent: 00-%d" % number in got for number, got in enumerate(exchange.received, 1)] == [True, True]


def test_a_header_of_the_request_s_own_stays_as_it_was_written(talk: Any, answers: Any) -> None:
    exchange = talk(
        answers(),
        call={"headers": {"TraceParent": "mine"}},
        headers_for_attempt=lambda _: {"traceparent": "00", "tracestate": "a=1"},
    )

    (got,) = exchange.received
    assert b"TraceParent: mine\r\n" in got
    assert b"tracestate" not in got


def test_a_policy_needs_numbers_that_make_sense() -> None:
    for wrong in ({"attempts": 0}, {"attempts": True}, {"attempts": 1.5}, {"total": 0}, {"first_wait": float("inf")}):
        with pytest.raises(ConfigurationError, match="retry: "):
            RetryPolicy(**wrong)  # type: ignore[arg-type]  # what a caller without types could pass
