"""How a name becomes addresses, which ones are refused, and that a look-up which hangs holds nobody up."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_cloudfn.client.client import Client
from airflow_provider_cloudfn.client.request import Request
from airflow_provider_cloudfn.client.resolver import GuardedResolver, refuse_host
from airflow_provider_cloudfn.client.retry import NO_RETRY
from airflow_provider_cloudfn.client.settings import Timeouts
from airflow_provider_cloudfn.client.url import BaseUrl
from airflow_provider_cloudfn.exceptions import ConfigurationError, RequestTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REFUSED = "127.0.0.1"


def not_loopback(address: str) -> bool:
    return address not in (REFUSED, "::1", "::ffff:127.0.0.1")


def resolved(host: str, is_allowed: Callable[[str], bool] | None = None) -> list[Any]:
    async def run() -> list[Any]:
        resolver = GuardedResolver(is_allowed)
        try:
            return await resolver.resolve(host, 443)
        finally:
            await resolver.close()

    return asyncio.run(run())


def test_a_name_becomes_addresses_that_need_no_further_look_up() -> None:
    found = resolved("localhost")

    assert {entry["hostname"] for entry in found} == {"localhost"}
    assert {entry["port"] for entry in found} == {443}
    assert all(entry["flags"] & socket.AI_NUMERICHOST for entry in found)
    assert "127.0.0.1" in {entry["host"] for entry in found}


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1", "0x7f.1", "2130706433"])
def test_every_spelling_of_a_refused_address_is_refused(host: str) -> None:
    with pytest.raises(ConfigurationError, match=r"leads to .*, which its address_guard refuses"):
        resolved(host, not_loopback)


def test_a_name_that_does_not_exist_is_an_error_of_the_system() -> None:
    with pytest.raises(socket.gaierror):
        resolved("does-not-exist.invalid")


def test_a_name_that_a_proxy_would_resolve_is_judged_by_itself() -> None:
    asked: list[str] = []

    refuse_host("shop.example.", lambda host: not asked.append(host))

    assert asked == ["shop.example"]


@pytest.mark.parametrize("host", ["169.254.169.254", "169.254.169.254.", "fe80::1%eth0"])
def test_an_address_is_one_with_a_dot_at_its_end_and_with_a_zone(host: str) -> None:
    with pytest.raises(ConfigurationError, match="which its address_guard refuses"):
        refuse_host(host, lambda _: False)


@pytest.fixture
def silent_name_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Let the system's resolver hang, as it does when its name server does not answer."""
    over, look_up = threading.Event(), socket.getaddrinfo

    def hang(host: Any, *arguments: Any, **named: Any) -> Any:
        if host == "slow.example":
            over.wait(30)
        return look_up(host, *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    yield over
    over.set()


@pytest.mark.parametrize("connect", [0.1, 5.0], ids=["connect", "total"])
def test_a_name_server_that_is_silent_makes_no_call_longer_than_its_timeout(
    silent_name_server: threading.Event, connect: float
) -> None:
    timeouts = Timeouts(connect=connect, read=1, total=0.3)
    client = Client(base_url=BaseUrl.parse("https://slow.example"), timeouts=timeouts, retry=NO_RETRY)
    begun = time.monotonic()

    with pytest.raises(RequestTimeoutError) as caught:
        client.request_sync(Request("GET", "/"))

    assert time.monotonic() - begun < 3
    assert caught.value.never_sent


def test_an_answer_that_comes_when_nobody_waits_any_more_is_dropped(silent_name_server: threading.Event) -> None:
    async def run() -> None:
        waiting = asyncio.ensure_future(GuardedResolver().resolve("slow.example", 443))
        await asyncio.wait([waiting], timeout=0.01)
        waiting.cancel()
        await asyncio.wait([waiting])
        assert waiting.cancelled()

    asyncio.run(run())
    silent_name_server.set()
    for thread in threading.enumerate():
        if thread.name == "cloudfn-resolver":
            thread.join(10)
            assert not thread.is_alive()
