"""Cookies live from redirect to redirect within one call, and no longer."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_cloudfn.client.retry import RetryPolicy


async def wants_its_cookie(wire: Any) -> None:
    """Set a cookie with a redirect to the same address, until it comes back."""
    while True:
        request = await wire.request()
        if b"cookie: seen=1" in request.lower():
            await wire.answer(b"ok")
        else:
            await wire.answer(b"", "Location: /v1", "Set-Cookie: seen=1; Path=/", status="302 Found")


def test_a_redirect_to_itself_brings_the_cookie_back(talk: Any) -> None:
    exchange = talk(wants_its_cookie)

    assert exchange.outcome.content == b"ok"
    assert len(exchange.received) == 2


def test_no_cookie_of_one_call_is_sent_with_another(talk_twice: Any) -> None:
    exchange = talk_twice(wants_its_cookie)

    assert [answer.content for answer in exchange.outcome] == [b"ok", b"ok"]
    assert [b"cookie" in request.lower() for request in exchange.received] == [False, True, False, True]


@pytest.mark.parametrize(
    ("method", "status", "cookies"),
    [
        # Begun anew, it has none; where the request itself was carried out, what gets its result keeps them.
        ("GET", "302 Found", [False, True, False, True]),
        ("POST", "303 See Other", [False, True, True]),
    ],
)
def test_an_attempt_keeps_the_cookies_of_what_it_goes_on_with(
    talk: Any, method: str, status: str, cookies: list[bool]
) -> None:
    left = ["503 Service Unavailable", "200 OK"]

    async def script(wire: Any) -> None:
        while True:
            request = await wire.request()
            if b"cookie" in request.lower():
                await wire.answer(b"ok", status=left.pop(0))
            else:
                await wire.answer(b"", "Location: /result", "Set-Cookie: job=7; Path=/", status=status)

    async def no_wait(_: float) -> None:
        pass

    exchange = talk(script, method, retry=RetryPolicy(attempts=2), sleep=no_wait)

    assert exchange.outcome.content == b"ok"
    assert [b"cookie: job=7" in request.lower() for request in exchange.received] == cookies
