"""Where the time of an attempt goes, on real connections."""

from __future__ import annotations

import asyncio
import ssl
import time
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from airflow_provider_cloudfn.auth.bearer import BearerAuth
from airflow_provider_cloudfn.auth.token_store import TOKEN_SOURCE

if TYPE_CHECKING:
    from airflow_provider_cloudfn.auth.message import HttpRequest
    from airflow_provider_cloudfn.auth.scheme import AuthFlow
    from airflow_provider_cloudfn.client.attempt import Attempt

AUTHORITY = trustme.CA()
SLOW = 0.15


async def quick(wire: Any) -> None:
    while True:
        await wire.request()
        await wire.answer(b"ok")


async def slow_to_begin(wire: Any) -> None:
    await wire.request()
    await asyncio.sleep(SLOW)
    await wire.answer(b"ok")


async def slow_to_end(wire: Any) -> None:
    await wire.request()
    wire.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")
    await asyncio.sleep(SLOW)
    wire.writer.write(b"k")


async def silent(wire: Any) -> None:
    await wire.request()
    await asyncio.sleep(5)


def split_of(attempts: list[Attempt]) -> Any:
    (attempt,) = attempts
    return attempt.split


@pytest.mark.parametrize(
    ("script", "part"), [(slow_to_begin, "first_byte"), (slow_to_end, "download"), (silent, "first_byte")]
)
def test_a_slow_part_is_the_one_that_took_long(talk: Any, script: Any, part: str) -> None:
    attempts: list[Attempt] = []

    talk(script, on_attempt=attempts.append)

    split = split_of(attempts)
    assert getattr(split, part) >= SLOW * 0.9
    others = {"connect", "name", "tls", "first_byte", "download", "credentials"} - {part}
    assert sum(getattr(split, name) for name in others) < SLOW


class TokenOfOthers(BearerAuth):
    """A token that other processes keep where it takes a while to be read."""

    def flow(self, request: HttpRequest) -> AuthFlow:
        """Yield the request with the token."""
        time.sleep(SLOW)
        TOKEN_SOURCE.set("shared")
        yield from super().flow(request)


def test_to_read_the_token_that_others_keep_is_a_part(talk: Any) -> None:
    attempts: list[Attempt] = []

    talk(quick, auth=TokenOfOthers("t-1"), on_attempt=attempts.append)

    assert split_of(attempts).credentials >= SLOW * 0.9


def test_tls_is_a_part_of_its_own(talk: Any) -> None:
    attempts: list[Attempt] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("127.0.0.1").configure_cert(context)
    trusting = ssl.create_default_context()
    AUTHORITY.configure_trust(trusting)

    talk(quick, server_tls=context, tls=trusting, on_attempt=attempts.append)

    split = split_of(attempts)
    assert min(split.tls, split.connect) > 0
    assert split.name == 0


def test_without_tls_there_is_none(talk: Any) -> None:
    attempts: list[Attempt] = []

    talk(quick, on_attempt=attempts.append)

    assert split_of(attempts).tls == 0


def test_a_name_is_looked_up_before_the_connection_is_made(server_of: Any, client_of: Any) -> None:
    from airflow_provider_cloudfn.client.request import Request

    attempts: list[Attempt] = []

    async def run() -> None:
        async with server_of(quick) as server:
            client = client_of(
                server, base_url=server.url.replace("127.0.0.1", "localhost"), on_attempt=attempts.append
            )
            await client.request(Request("GET", "/v1"))

    asyncio.run(run())

    assert split_of(attempts).name > 0


def test_a_connection_that_was_kept_open_costs_next_to_nothing(talk_twice: Any) -> None:
    attempts: list[Attempt] = []

    talk_twice(quick, on_attempt=attempts.append)

    first, second = attempts
    assert second.split.connect < first.split.connect


def test_the_parts_are_no_longer_than_the_attempt(talk: Any) -> None:
    attempts: list[Attempt] = []

    talk(slow_to_begin, on_attempt=attempts.append)

    (attempt,) = attempts
    parts = [getattr(attempt.split, name) for name in attempt.split.__struct_fields__]
    assert sum(parts) <= attempt.duration <= attempt.elapsed
