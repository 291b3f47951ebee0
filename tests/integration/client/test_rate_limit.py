"""What a client asks of its limiter, and tells it, while it calls a server."""

from __future__ import annotations

import asyncio
import itertools
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_cloudfn.client.rate_limit import PacedLimiter, Rate
from airflow_provider_cloudfn.client.request import Request
from airflow_provider_cloudfn.client.retry import RetryPolicy
from airflow_provider_cloudfn.client.settings import Timeouts
from airflow_provider_cloudfn.exceptions import RequestTimeoutError, ResponseError

if TYPE_CHECKING:
    from collections.abc import Mapping

QUICK = RetryPolicy(attempts=3, first_wait=0.001, longest_wait=0.001)


@dataclass
class Kept:
    """
    A limiter that keeps what it is told.

    :param turns: How many it gives.
    """

    turns: int = 100
    asked: list[float] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    observed: list[Mapping[str, str]] = field(default_factory=list)

    async def acquire(self, at_most: float = math.inf) -> None:
        self.asked.append(at_most)
        if len(self.asked) > self.turns:
            raise RequestTimeoutError("the limit: not so fast", retryable=True, retry_after=9, never_sent=True)

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    async def observe(self, headers: Mapping[str, str]) -> None:
        self.observed.append(headers)


def test_each_attempt_waits_for_its_turn_within_the_call_s_time(talk: Any, answers: Any) -> None:
    limiter = Kept()

    talk(answers("503 X", "502 X"), retry=QUICK, limiter=limiter, timeouts=Timeouts(total=20))

    assert len(limiter.asked) == 3
    assert limiter.asked[0] == 20
    assert all(0 < left < 20 for left in limiter.asked[1:])


@pytest.mark.parametrize(
    ("status", "headers", "pauses"),
    [
        ("429 X", ["Retry-After: 7"], [7.0]),
        ("503 X", ["Retry-After: 7"], [7.0]),
        ("429 X", [], []),
        ("500 X", ["Retry-After: 7"], []),
        ("200 OK", ["Retry-After: 7"], []),
    ],
)
def test_an_answer_that_asks_to_wait_is_told(talk: Any, status: str, headers: list[str], pauses: list[float]) -> None:
    limiter = Kept()

    talk(lambda wire: one_answer(wire, status, headers), limiter=limiter, retry=RetryPolicy(attempts=1))

    assert limiter.pauses == pauses


async def one_answer(wire: Any, status: str, headers: list[str]) -> None:
    await wire.request()
    await wire.answer(b"{}", *headers, status=status)


def test_every_answer_s_headers_are_told(talk: Any, answers: Any) -> None:
    limiter = Kept()

    talk(answers("503 X"), retry=QUICK, limiter=limiter)

    assert ["content-length" in headers for headers in limiter.observed] == [True, True]


def test_a_wait_that_is_too_long_is_an_error_and_nothing_is_sent(talk: Any, answers: Any) -> None:
    limiter = PacedLimiter(Rate(1, 3600))
    asyncio.run(limiter.acquire())

    exchange = talk(answers(), "POST", limiter=limiter)

    error = exchange.outcome
    assert isinstance(error, RequestTimeoutError)
    assert str(error).startswith("POST http://127.0.0.1:")
    assert "the rate limit (1/h): it lets no request be sent for 3,600.0 more seconds, and 2.0 seconds are left" in str(
        error
    )
    assert error.never_sent
    assert exchange.received == []
    assert exchange.connections == 0


def test_without_time_for_another_attempt_the_answer_stands(talk: Any, answers: Any) -> None:
    exchange = talk(answers("503 X"), retry=QUICK, limiter=Kept(turns=1))

    assert isinstance(exchange.outcome, ResponseError)
    assert exchange.outcome.status == 503
    assert not exchange.outcome.never_sent
    assert len(exchange.received) == 1


def test_the_wait_is_no_part_of_an_attempt(talk: Any, answers: Any) -> None:
    told: list[Any] = []
    limiter = PacedLimiter(Rate(5, 1))
    asyncio.run(limiter.acquire())

    talk(answers(), limiter=limiter, on_attempt=told.append)

    (attempt,) = told
    assert attempt.duration < 0.15


def test_many_calls_are_paced_and_slowed_by_one_answer(server_of: Any, client_of: Any) -> None:
    moments: list[float] = []

    async def script(wire: Any) -> None:
        while True:
            await wire.request()
            moments.append(asyncio.get_running_loop().time())
            said = ['RateLimit: "p";r=0;t=1'] if len(moments) == 5 else []
            await wire.answer(b"{}", *said)

    async def all_of_them() -> None:
        async with server_of(script) as server:
            limiter = PacedLimiter(Rate(100, 1))
            async with client_of(server, limiter=limiter).session() as client:
                for _ in range(8):
                    await client.request(Request("GET", "/v1"))

    asyncio.run(all_of_them())

    waits = [after - before for before, after in itertools.pairwise(moments)]
    assert len(moments) == 8
    assert waits[4] > 0.9
    assert max(waits[:4] + waits[5:]) < 0.9
