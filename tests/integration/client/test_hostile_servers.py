"""Servers that misbehave on purpose, each with the one outcome that is meant."""

from __future__ import annotations

import asyncio
import gzip
import json
import sys
import zlib
from importlib import import_module
from typing import Any

import brotli
import pytest

from airflow_provider_cloudfn.auth.api_key import ApiKeyAuth
from airflow_provider_cloudfn.client.request import Request
from airflow_provider_cloudfn.client.response import Response
from airflow_provider_cloudfn.client.retry import RetryPolicy
from airflow_provider_cloudfn.exceptions import (
    CommunicationError,
    LimitError,
    RequestTimeoutError,
    ResponseError,
)

zstd: Any = import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")

MANY = 20_000_000
JSON = "Content-Type: application/json"


async def slow_headers(wire: Any) -> None:
    await wire.request()
    await wire.send(b"HTTP/1.1 200 OK\r\nContent-")
    await wire.wait_for_the_end()


async def silence(wire: Any) -> None:
    await wire.request()
    await wire.wait_for_the_end()


async def slow_body(wire: Any) -> None:
    await wire.request()
    await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
    await wire.wait_for_the_end()


async def dripping_body(wire: Any) -> None:
    await wire.request()
    await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    gone = asyncio.ensure_future(wire.wait_for_the_end())
    while not gone.done():
        await wire.send(b"x")
        await asyncio.wait([gone], timeout=0.1)


async def reset_at_once(wire: Any) -> None:
    await wire.request()
    wire.reset()


async def reset_mid_body(wire: Any) -> None:
    await wire.request()
    await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
    wire.reset()


async def closed_without_an_answer(wire: Any) -> None:
    await wire.request()


async def closed_mid_headers(wire: Any) -> None:
    await wire.request()
    await wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/pl")


def raw(content: bytes) -> Any:
    async def script(wire: Any) -> None:
        await wire.request()
        await wire.send(content)

    return script


def ok(content: bytes, *headers: str) -> Any:
    async def script(wire: Any) -> None:
        await wire.request()
        await wire.answer(content, *headers)

    return script


async def endless_headers(wire: Any) -> None:
    await wire.request()
    await wire.send(b"HTTP/1.1 200 OK\r\n")
    number = 0
    while not wire.writer.is_closing():
        number += 1
        await wire.send(b"X-%d: y\r\n" % number)
        await asyncio.sleep(0)  # the client is in the same event loop


async def endless_header_line(wire: Any) -> None:
    await wire.request()
    await wire.send(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while not wire.writer.is_closing():
        await wire.send(b"y" * 8192)
        await asyncio.sleep(0)


async def endless_body(wire: Any) -> None:
    await wire.request()
    await wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not wire.writer.is_closing():
        await wire.send(b"2000\r\n" + b"y" * 8192 + b"\r\n")
        await asyncio.sleep(0)


def deflated(content: bytes) -> bytes:
    return zlib.compress(content)


async def redirect_to_itself(wire: Any) -> None:
    while True:
        await wire.request()
        await wire.answer(b"", "Location: /v1", status="302 Found")


ERRORS: list[Any] = [
    # what the server does, the error, what its message says, whether trying again can help
    (silence, RequestTimeoutError, "stayed silent for too long", True),
    (slow_headers, RequestTimeoutError, "stayed silent for too long", True),
    (slow_body, RequestTimeoutError, "stayed silent for too long", True),
    (dripping_body, RequestTimeoutError, "took longer than 2 seconds in all", True),
    (reset_at_once, CommunicationError, "the connection broke", True),
    (reset_mid_body, CommunicationError, "the connection broke", True),
    (closed_without_an_answer, CommunicationError, "the connection broke", True),
    (closed_mid_headers, CommunicationError, "the connection broke", True),
    (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), CommunicationError, "no whole HTTP answer", True),
    (
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
        CommunicationError,
        "no whole HTTP answer",
        True,
    ),
    (raw(b"HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nabc"), CommunicationError, "no whole HTTP answer", True),
    (
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n"),
        CommunicationError,
        "no whole HTTP answer",
        True,
    ),
    (
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"),
        CommunicationError,
        "no whole HTTP answer",
        True,
    ),
    (
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\nabc\r\n"),
        CommunicationError,
        "no whole HTTP answer",
        True,
    ),
    (raw(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), CommunicationError, "no whole HTTP answer", True),
    (raw(b"HTTP/1.1 200 OK\r\nX Y: z\r\n\r\n"), CommunicationError, "no whole HTTP answer", True),
    (raw(b"HTTP/1.1 200 OK\r\nX-Y: a\x00b\r\n\r\n"), CommunicationError, "no whole HTTP answer", True),
    (endless_headers, CommunicationError, "no whole HTTP answer", True),
    (endless_header_line, CommunicationError, "no whole HTTP answer", True),
    (endless_body, LimitError, "larger than 1,000,000 bytes", False),
    (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000001\r\n\r\n"), LimitError, "larger than 1,000,000 bytes", False),
    (ok(gzip.compress(b"\0" * MANY), "Content-Encoding: gzip"), LimitError, "larger than", False),
    (ok(deflated(b"\0" * MANY), "Content-Encoding: deflate"), LimitError, "larger than", False),
    (ok(b"no gzip at all", "Content-Encoding: gzip"), CommunicationError, "can't be decompressed", True),
    (ok(gzip.compress(gzip.compress(b"\0" * MANY)), "Content-Encoding: gzip, gzip"), LimitError, "larger than", False),
    (ok(b"x", "Content-Encoding: gzip, gzip, gzip"), CommunicationError, "Content-Encoding 'gzip, gzip, gzip'", False),
    (ok(brotli.compress(b"\0" * MANY), "Content-Encoding: br"), LimitError, "larger than", False),
    (ok(zstd.compress(b"\0" * MANY), "Content-Encoding: zstd"), LimitError, "larger than", False),
    (ok(b"no brotli", "Content-Encoding: br"), CommunicationError, "can't be decompressed", True),
    (ok(b"\x28\xb5\x2f\xfd", "Content-Encoding: zstd"), CommunicationError, "ends in the middle", True),
    (ok(gzip.compress(b"abc" * 1000)[:-20], "Content-Encoding: gzip"), CommunicationError, "ends in the middle", True),
    (ok(b"\x01\x02", "Content-Encoding: rot13"), CommunicationError, "Content-Encoding", False),
    (ok(b"caf\xe9", "Content-Type: text/plain; charset=utf-8"), ResponseError, "its bytes are not utf-8", False),
    (ok(b"x", "Content-Type: text/plain; charset=klingon"), ResponseError, "no character set 'klingon'", False),
    (ok(b"<html>", JSON), ResponseError, "it promises JSON", False),
    (
        raw(b'HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{"a": 1'),
        CommunicationError,
        "it has no length",
        True,
    ),
    (raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), ResponseError, "answered 101", False),
    (redirect_to_itself, CommunicationError, "redirected more than 5 times", False),
]


@pytest.mark.parametrize(
    ("script", "kind", "message", "retryable"), ERRORS, ids=lambda case: getattr(case, "__name__", None)
)
def test_what_is_no_whole_answer_is_an_error(
    talk: Any, script: Any, kind: type[Exception], message: str, retryable: bool
) -> None:
    error = talk(script).outcome

    assert type(error) is kind, repr(error)
    assert message in str(error)
    assert "/v1" in str(error)
    assert error.retryable is retryable


ANSWERS: list[Any] = [
    ("100-continue", raw(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), b"ok"),
    ("early-hints", raw(b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), b"ok"),
    ("http-1.0", raw(b"HTTP/1.0 200 OK\r\n\r\nok"), b"ok"),
    ("until-close", raw(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok"), b"ok"),
    ("longer-than-said", raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 500 Evil\r\n\r\n"), b"ok"),
    ("no-reason", raw(b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok"), b"ok"),
    ("latin-1-header", ok(b"ok", "X-Name: caf\xe9"), b"ok"),
    ("trailers", raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX: y\r\n\r\n"), b"ok"),
    ("gzip", ok(gzip.compress(b"ok"), "Content-Encoding: gzip"), b"ok"),
    ("deflate", ok(deflated(b"ok"), "Content-Encoding: deflate"), b"ok"),
    ("raw-deflate", ok(deflated(b"ok")[2:-4], "Content-Encoding: deflate"), b"ok"),
    ("br", ok(brotli.compress(b"ok"), "Content-Encoding: br"), b"ok"),
    ("zstd", ok(zstd.compress(b"ok"), "Content-Encoding: zstd"), b"ok"),
    ("two-members", ok(gzip.compress(b"o") + gzip.compress(b"k"), "Content-Encoding: x-gzip"), b"ok"),
    ("padded-gzip", ok(gzip.compress(b"ok") + b"\0\0", "Content-Encoding: gzip"), b"ok"),
    ("empty-gzip", ok(b"", "Content-Encoding: gzip"), b""),
    ("identity", ok(b"ok", "Content-Encoding: identity"), b"ok"),
    ("no-content", raw(b"HTTP/1.1 204 No Content\r\n\r\n"), b""),
]  # fmt: skip


@pytest.mark.parametrize(("script", "content"), [case[1:] for case in ANSWERS], ids=[case[0] for case in ANSWERS])
def test_what_is_unusual_and_allowed_is_an_answer(talk: Any, script: Any, content: bytes) -> None:
    response = talk(script).outcome

    assert isinstance(response, Response), repr(response)
    assert response.content == content


def test_a_server_that_nobody_listens_on_is_a_communication_error(talk: Any, unused_tcp_port: int) -> None:
    error = talk(silence, base_url=f"http://127.0.0.1:{unused_tcp_port}").outcome

    assert type(error) is CommunicationError
    assert "no connection could be made" in str(error)
    assert error.retryable


def test_a_name_that_does_not_exist_is_a_communication_error(talk: Any) -> None:
    error = talk(silence, base_url="https://does-not-exist.invalid").outcome

    assert type(error) is CommunicationError
    assert "no connection could be made" in str(error)


@pytest.mark.parametrize(
    "location",
    [
        "http://localhost:{port}/v1",
        "https://127.0.0.1:{port}/v1",
        "//localhost:{port}/v1",
        "http://127.0.0.1/v1",
        "file:///etc",
    ],
)
def test_credentials_follow_no_redirect_to_another_origin(talk: Any, location: str) -> None:
    async def script(wire: Any) -> None:
        await wire.request()
        port = wire.writer.get_extra_info("sockname")[1]
        await wire.answer(b"", f"Location: {location.format(port=port)}", status="307 Temporary Redirect")

    exchange = talk(script, auth=ApiKeyAuth("X-Api-Key", "s3cret"))

    assert type(exchange.outcome) is CommunicationError
    assert "redirected to another host" in str(exchange.outcome)
    assert "s3cret" not in str(exchange.outcome)
    assert len(exchange.received) == 1


@pytest.mark.parametrize(
    ("status", "method", "then", "body"),
    [
        ("303 See Other", "PUT", "GET", b""),
        ("303 See Other", "HEAD", "HEAD", b""),
        ("307 Temporary", "POST", "POST", b"abc"),
        ("308 Permanent", "PATCH", "PATCH", b"abc"),
        ("301 Moved", "GET", "GET", b"abc"),
    ],
)
def test_a_redirect_within_the_origin_is_followed(talk: Any, status: str, method: str, then: str, body: bytes) -> None:
    async def script(wire: Any) -> None:
        await wire.request()
        await wire.answer(b"", "Location: ../v2?a=%2F#part", status=status)
        await wire.request()
        await wire.answer()

    call = {} if method == "HEAD" else {"data": b"abc"}
    exchange = talk(script, method, call=call, auth=ApiKeyAuth("X-Api-Key", "s3cret"))

    assert exchange.outcome.status == 200
    head, _, content = exchange.received[1].partition(b"\r\n\r\n")
    assert head.splitlines()[0] == f"{then} /v2?a=%2F HTTP/1.1".encode()
    assert b"x-api-key: s3cret" in head.lower()
    assert content == body
    assert (b"content-type" in head.lower()) is bool(body)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_what_changes_something_is_not_sent_elsewhere_as_a_get(talk: Any, status: str, method: str) -> None:
    async def script(wire: Any) -> None:
        await wire.request()
        await wire.answer(b"", "Location: /v2/x?code=1", status=status)

    exchange = talk(script, method, call={"data": b"abc"})

    assert type(exchange.outcome) is ResponseError
    assert "/v2/x:" in str(exchange.outcome)
    assert "code=1" not in str(exchange.outcome)
    assert "correct the uri" in str(exchange.outcome)
    assert len(exchange.received) == 1


async def answer_once(wire: Any) -> None:
    await wire.request()
    await wire.answer(b"ok")


def test_a_connection_that_was_closed_between_two_calls_is_made_again(talk_twice: Any) -> None:
    exchange = talk_twice(answer_once, retry=RetryPolicy(first_wait=0.001))

    assert [answer.content for answer in exchange.outcome] == [b"ok", b"ok"]
    assert exchange.connections == 2


def test_it_is_not_for_a_request_that_may_have_been_taken(talk_twice: Any) -> None:
    exchange = talk_twice(answer_once, "POST", retry=RetryPolicy(first_wait=0.001))

    assert type(exchange.outcome[1]) is CommunicationError
    assert len(exchange.received) == 1


def test_a_connection_is_kept_between_two_calls(talk_twice: Any) -> None:
    async def script(wire: Any) -> None:
        while True:
            await wire.request()
            await wire.answer(b"ok")

    assert talk_twice(script).connections == 1


def test_what_came_too_much_is_never_the_next_answer(talk_twice: Any) -> None:
    async def script(wire: Any) -> None:
        await wire.request()
        await wire.answer(b"one")
        await wire.answer(b"evil")
        await wire.wait_for_the_end()

    async def scripts(wire: Any) -> None:
        if wire.connection == 0:
            await script(wire)
        else:
            await wire.request()
            await wire.answer(b"two")

    assert b"evil" not in [getattr(answer, "content", None) for answer in talk_twice(scripts).outcome]


def test_an_early_answer_to_a_large_body_is_heard(talk: Any) -> None:
    async def script(wire: Any) -> None:
        await wire.reader.readuntil(b"\r\n\r\n")
        await wire.answer(json.dumps({"error": "too large"}).encode(), JSON, "Connection: close", status="413 Large")
        await wire.wait_for_the_end()

    error = talk(script, "POST", call={"data": b"x" * 5_000_000}).outcome

    assert type(error) is ResponseError
    assert error.status == 413


def test_a_cookie_of_one_call_is_not_sent_with_the_next(server_of: Any, client_of: Any) -> None:
    async def script(wire: Any) -> None:
        while True:
            await wire.request()
            await wire.answer(b"", "Set-Cookie: sid=1; Path=/")

    async def both() -> list[bytes]:
        async with server_of(script) as server:
            # By name: a jar would keep no cookie of a bare address anyway.
            base_url = f"http://localhost:{server.port}"
            async with client_of(server, base_url=base_url).session() as client:
                await client.request(Request("GET", "/v1"))
                await client.request(Request("GET", "/v1"))
            return list(server.exchange.received)

    received = asyncio.run(both())
    assert len(received) == 2
    assert not any(b"cookie" in request.lower() for request in received)
