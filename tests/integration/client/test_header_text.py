"""What goes over the wire of a header's text: Latin-1, or nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from airflow_provider_cloudfn.auth.api_key import ApiKeyAuth
from airflow_provider_cloudfn.auth.scheme import Auth
from airflow_provider_cloudfn.client.request import Request
from airflow_provider_cloudfn.exceptions import ConfigurationError


def line_of(request: bytes, name: str) -> bytes:
    return next(line for line in request.split(b"\r\n") if line.startswith(name.encode() + b":"))


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("Muller", b"X-Name: Muller"),
        ("M\xfcller", b"X-Name: M\xfcller"),
        ("\xff\xa0", b"X-Name: \xff\xa0"),
        ("M\xc3\xbcller", b"X-Name: M\xc3\xbcller"),
    ],
)
@pytest.mark.parametrize("data", [None, b"caf\xc3\xa9\r\n\r\ncaf\xe9", b"\xc3\xa9" * 100_000])
def test_a_header_goes_in_latin_1_and_the_body_as_it_is(
    talk: Any, answers: Any, text: str, sent: bytes, data: bytes | None
) -> None:
    exchange = talk(answers(), "POST", call={"headers": {"X-Name": text}, "data": data})

    assert exchange.outcome.status == 200
    assert line_of(exchange.received[0], "X-Name") == sent
    assert exchange.received[0].partition(b"\r\n\r\n")[2] == (data or b"")


def test_each_request_of_a_connection_has_its_own(server_of: Any, client_of: Any, answers: Any) -> None:
    async def three() -> list[bytes]:
        async with server_of(answers()) as server, client_of(server).session() as client:
            for name in ("é", "e", "è"):
                await client.request(Request("GET", "/v1", headers={"X-Name": name}))
            return [line_of(one, "X-Name") for one in server.exchange.received]

    assert asyncio.run(three()) == [b"X-Name: \xe9", b"X-Name: e", b"X-Name: \xe8"]


def test_a_key_in_a_header_goes_in_latin_1_too(talk: Any, answers: Any) -> None:
    exchange = talk(answers(), auth=ApiKeyAuth("X-Key", "caf\xe9-key"))

    assert line_of(exchange.received[0], "X-Key") == b"X-Key: caf\xe9-key"


class _Foreign(Auth):
    """A scheme that sets what no header can have."""

    def flow(self, request: Any) -> Any:
        yield request.with_header("X-Signed-By", "Łódź")


@pytest.mark.parametrize(
    ("name", "settings", "call"),
    [
        ("X-Name", {}, {"headers": {"X-Name": "Łódź"}}),
        ("X-Name", {}, {"headers": {"X-Name": "€"}}),
        ("X-Signed-By", {"auth": _Foreign()}, {}),
    ],
)
def test_what_latin_1_cannot_write_is_refused_and_the_header_named(
    talk: Any, answers: Any, name: str, settings: dict[str, Any], call: dict[str, Any]
) -> None:
    exchange = talk(answers(), call=call, **settings)

    assert isinstance(exchange.outcome, ConfigurationError)
    assert f'headers["{name}"]' in str(exchange.outcome)
    assert "beyond Latin-1" in str(exchange.outcome)
    assert exchange.received == []


class _Smuggling(Auth):
    """A scheme that sets what would end a header, and begin another one."""

    def __init__(self, value: str) -> None:
        self._value = value

    def flow(self, request: Any) -> Any:
        yield request.with_header("X-Signed-By", self._value)


@pytest.mark.parametrize("value", ["a\r\nX-Role: admin", "a\nX-Role: admin", "a\rb", "a\0b"])
def test_what_would_end_a_header_is_refused_and_nothing_is_sent(talk: Any, answers: Any, value: str) -> None:
    exchange = talk(answers(), auth=_Smuggling(value))

    assert isinstance(exchange.outcome, ConfigurationError)
    assert "X-Signed-By" in str(exchange.outcome)
    assert "admin" not in str(exchange.outcome)
    assert exchange.outcome.never_sent
    assert exchange.received == []
