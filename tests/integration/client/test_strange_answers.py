"""Answers and intermediaries that are seldom seen, each with the one outcome that is meant."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cloudfn.auth.api_key import ApiKeyAuth
from airflow_provider_cloudfn.client.request import Request
from airflow_provider_cloudfn.client.settings import ResponseLimits
from airflow_provider_cloudfn.client.url import BaseUrl
from airflow_provider_cloudfn.exceptions import (
    AuthenticationError,
    CloudFunctionError,
    CommunicationError,
    ConfigurationError,
    RequestTimeoutError,
    ResponseError,
)

SECRET = "s3cret-value"
NO_REDIRECTS = ResponseLimits(redirects=0)


def raw(content: bytes) -> Any:
    async def script(wire: Any) -> None:
        await wire.request()
        await wire.send(content)

    return script


async def padding_without_end(wire: Any) -> None:
    await wire.request()
    await wire.send(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"ok"))
    while not wire.writer.is_closing():
        await wire.send(b"\0" * 65536)


def test_padding_without_end_is_no_answer(talk: Any) -> None:
    error = talk(padding_without_end).outcome

    assert type(error) is CommunicationError
    assert "goes on behind its end" in str(error)


def without_end(head: bytes, part: bytes) -> Any:
    async def script(wire: Any) -> None:
        await wire.request()
        await wire.send(head)
        while not wire.writer.is_closing():
            await wire.send(part)

    return script


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "part"),
    [
        (CHUNKED + b"3;", b"a" * 65536),
        (CHUNKED + b"2\r\nok\r\n0\r\n", b"X-Y: z\r\n" * 1000),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    ],
    ids=["chunk-extension", "trailers", "continue"],
)
def test_what_never_ends_ends_with_the_call(talk: Any, head: bytes, part: bytes) -> None:
    error = talk(without_end(head, part)).outcome

    assert isinstance(error, (RequestTimeoutError, CommunicationError)), repr(error)


@pytest.mark.parametrize("coding", ["gzip", "gzip, x", "deflate"])
def test_a_transfer_coding_that_nobody_asked_for_is_refused(talk: Any, coding: str) -> None:
    error = talk(raw(f"HTTP/1.1 200 OK\r\nTransfer-Encoding: {coding}\r\n\r\nok".encode())).outcome

    assert type(error) is CommunicationError
    assert not error.retryable or "no whole HTTP answer" in str(error)


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_an_unknown_encoding_of_no_body_does_no_harm(talk: Any, method: str) -> None:
    content = b"HTTP/1.1 204 No Content\r\nContent-Encoding: br\r\n\r\n"

    assert talk(raw(content), method).outcome.status == 204


@pytest.mark.parametrize(
    "headers",
    [
        "Content-Type: application/json\r\nContent-Type: application/json",
        "Content-Type: application/json; charset=utf-8\r\nContent-Type: application/json",
        "Content-Type: application/json;charset=utf8mb4",
        "Content-Type: application/json\r\nContent-Encoding: UTF-8",
        "Content-Type: application/json\r\nContent-Encoding: none",
        "Content-Type: application/json\r\nContent-Encoding: aws-chunked",
    ],
)
def test_json_is_read_whatever_else_its_headers_say(talk: Any, headers: str) -> None:
    content = '{"id": "é"}'.encode()

    answer = talk(raw(f"HTTP/1.1 201 X\r\n{headers}\r\nContent-Length: 12\r\n\r\n".encode() + content), "POST").outcome

    assert answer.body == {"id": "é"}


def test_an_answer_may_have_many_headers(talk: Any) -> None:
    headers = "".join(f"X-Rate-Limit-{number}: {number}\r\n" for number in range(900))

    exchange = talk(raw(f"HTTP/1.1 200 X\r\n{headers}Content-Length: 2\r\n\r\nok".encode()), "DELETE")

    assert (exchange.outcome.content, exchange.outcome.headers["x-rate-limit-899"]) == (b"ok", "899")


def test_encodings_in_headers_of_their_own_are_one_list(talk: Any) -> None:
    body = gzip.compress(zlib.compress(b"ok"))
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\nContent-Encoding: gzip\r\nContent-Type: text/plain\r\n\r\n"

    assert talk(raw(head + body)).outcome.body == "ok"


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"Content-Encoding: gzip\r\nContent-Length: 10", b"no gzip at"),
        (b"Content-Encoding: br\r\nContent-Length: 10", b"no brotli!"),
        (b"Content-Length: 100", b"cut short"),
        (b"Transfer-Encoding: chunked", b"3\r\ncut\r\n"),
        (b"Content-Length: 99999999999", b"too long"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(("status", "kind"), [(400, ResponseError), (401, AuthenticationError), (503, ResponseError)])
def test_the_status_counts_though_the_body_cannot_be_read(
    talk: Any, method: str, status: int, kind: type[CloudFunctionError], head: bytes, body: bytes
) -> None:
    answer = raw(b"HTTP/1.1 %d X\r\nRetry-After: 99\r\n%s\r\n\r\n%s" % (status, head, body))

    error = talk(answer, method=method).outcome

    assert (type(error), error.status, error.retry_after) == (kind, status, 99)


def test_whoever_takes_any_status_takes_no_half_answer(talk: Any) -> None:
    answer = raw(b"HTTP/1.1 404 X\r\nContent-Length: 100\r\n\r\ncut short")

    error = talk(answer, call={"check_status": False}).outcome

    assert (type(error), error.status) == (CommunicationError, 404)
    assert str(error).endswith("; the status was 404")


@pytest.mark.parametrize("head", [b"Content-Length: 100", b"Content-Encoding: gzip"])
def test_of_a_redirect_that_is_the_answer_the_body_does_not_matter(talk: Any, head: bytes) -> None:
    answer = raw(b"HTTP/1.1 303 X\r\nLocation: /done\r\n%s\r\n\r\nsee there" % head)

    found = talk(answer, method="POST", call={"check_status": False}, limits=NO_REDIRECTS).outcome

    assert (found.status, found.headers["location"]) == (303, "/done")


@pytest.mark.parametrize(
    ("location", "asked"),
    [
        ("/ü ber?q=ü b".encode(), b"/%C3%BC%20ber?q=%C3%BC%20b"),
        ("/caf\xe9".encode("latin-1"), b"/caf%E9"),
        (b"/a%2Fb%20c?q=%26", b"/a%2Fb%20c?q=%26"),
        (b"?page=2", b"/v1?page=2"),
        (b"v2#part", b"/v2"),
    ],
)
def test_where_a_redirect_leads_is_percent_encoded_once(talk: Any, location: bytes, asked: bytes) -> None:
    async def script(wire: Any) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + location + b"\r\n\r\n")
        await wire.request()
        await wire.answer(b"ok")

    exchange = talk(script)

    assert exchange.outcome.content == b"ok"
    assert exchange.received[1].split(b" ")[1] == asked


def test_credentials_in_a_redirect_are_not_taken(server_of: Any, client_of: Any) -> None:
    async def call() -> Any:
        async def script(wire: Any) -> None:
            await wire.request()
            await wire.answer(b"", f"Location: {server.url.replace('//', '//us:pw@')}/v2", status="302 Found")
            await wire.request()
            await wire.answer(b"ok")

        async with server_of(script) as server:
            answer = await client_of(server).request(Request("GET", "/v1"))
            return server.exchange.received[1], answer.url

    received, url = asyncio.run(call())

    assert received.startswith(b"GET /v2 ")
    assert b"authorization" not in received.lower()
    assert "us:pw" not in url


def test_a_redirect_that_repeats_the_query_repeats_no_key(talk: Any) -> None:
    async def script(wire: Any) -> None:
        request = await wire.request()
        target = request.split(b" ")[1].replace(b"/v1", b"/v2").decode()
        await wire.answer(b"", f"Location: {target}", status="307 Temporary Redirect")
        await wire.request()
        await wire.answer(b"ok")

    exchange = talk(script, uri="/v1?a=1", auth=ApiKeyAuth("key", SECRET, "query"))

    assert exchange.received[1].split(b" ")[1] == f"/v2?a=1&key={SECRET}".encode()
    assert SECRET not in exchange.outcome.url


def test_a_body_that_is_not_there_has_no_media_type(talk: Any, answers: Any) -> None:
    (received,) = talk(answers(), "POST").received

    assert b"content-type" not in received.lower()
    assert b"content-length: 0" in received.lower()


def test_a_request_id_of_thousands_of_letters_is_cut(talk: Any) -> None:
    error = talk(raw(b"HTTP/1.1 500 X\r\nX-Request-Id: " + b"a" * 5000 + b"\r\nContent-Length: 0\r\n\r\n")).outcome

    assert len(error.request_id) == 200
    assert len(str(error)) < 400


@pytest.mark.parametrize(
    "head",
    [
        b"500 X\r\nX-Request-Id: a\x9b31mb\tc",
        b"302 Found\r\nLocation: http://ev\xc2\x9b31mil.example/",
        b"302 Found\r\nLocation: http://ev\xe2\x80\xaeil.example/",
    ],
)
def test_nothing_that_steers_a_terminal_comes_into_an_error(talk: Any, head: bytes) -> None:
    error = talk(raw(b"HTTP/1.1 " + head + b"\r\nContent-Length: 0\r\n\r\n")).outcome

    assert isinstance(error, (CommunicationError, ResponseError))
    assert str(error).isprintable()
    assert (error.request_id or "").isprintable()


class Unwritable:
    """A sink on a disk that is full."""

    def __init__(self) -> None:
        self.discarded = 0

    def check(self) -> None:
        pass

    def open(self) -> Any:
        return Path("/dev/full").open("wb", buffering=0)

    def keep(self) -> None:
        self.kept = True

    def discard(self) -> None:
        self.discarded += 1


def test_a_disk_that_is_full_is_no_fault_of_the_connection(talk: Any, answers: Any) -> None:
    sink = Unwritable()

    exchange = talk(answers(), "POST", call={"sink": sink})

    assert type(exchange.outcome) is CommunicationError
    assert "can't be written where it should go (OSError: No space left on device)" in str(exchange.outcome)
    assert (len(exchange.received), sink.discarded) == (1, 1)


def over_proxy(client_of: Any, server_of: Any, script: Any, base_url: str = "https://shop.example") -> Any:
    async def run() -> Any:
        async with server_of(script) as proxy:
            client = client_of(
                proxy,
                base_url=BaseUrl.parse(base_url, allow_http=True),
                proxy=f"http://ann:{SECRET}@127.0.0.1:{proxy.port}",
            )
            try:
                return await client.request(Request("POST", "/v1"))
            except Exception as error:
                return error

    return asyncio.run(run())


def tunnel_refused(status: str) -> Any:
    async def script(wire: Any) -> None:
        await wire.reader.readuntil(b"\r\n\r\n")
        await wire.answer(SECRET.encode(), status=status)

    return script


async def tunnel_never_made(wire: Any) -> None:
    await wire.reader.readuntil(b"\r\n\r\n")
    await wire.wait_for_the_end()


async def tunnel_broken_off(wire: Any) -> None:
    await wire.reader.readuntil(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("script", "kind", "says", "retryable"),
    [
        (tunnel_broken_off, CommunicationError, "the proxy broke it off", True),
        (raw(SECRET.encode() + b"\r\n\r\n"), CommunicationError, "was no HTTP", True),
        (tunnel_refused("407 Proxy Authentication"), AuthenticationError, "the proxy answered 407", False),
        (tunnel_refused("403 Forbidden"), CommunicationError, "the proxy answered 403", False),
        (tunnel_refused("502 Bad Gateway"), CommunicationError, "the proxy answered 502", True),
        (tunnel_never_made, RequestTimeoutError, "", True),
    ],
    ids=["broken off", "no HTTP", "407", "403", "502", "silent"],
)
def test_a_proxy_that_makes_no_tunnel_is_named_and_nothing_was_sent(
    client_of: Any, server_of: Any, script: Any, kind: type[Exception], says: str, retryable: bool
) -> None:
    error = over_proxy(client_of, server_of, script)

    assert type(error) is kind, repr(error)
    assert says in str(error)
    assert SECRET not in str(error)
    assert error.retryable is retryable
    assert error.never_sent or kind is RequestTimeoutError


def test_a_proxy_that_is_not_there_is_named(client_of: Any, server_of: Any, unused_tcp_port: int) -> None:
    async def run() -> Any:
        async with server_of(tunnel_never_made) as server:
            client = client_of(server, proxy=f"http://ann:{SECRET}@127.0.0.1:{unused_tcp_port}")
            try:
                return await client.request(Request("POST", "/v1"))
            except Exception as error:
                return error

    error = asyncio.run(run())
    assert type(error) is CommunicationError
    assert "no connection to the proxy could be made" in str(error)
    assert SECRET not in str(error)
    assert error.never_sent


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example:8443", "xn--bcher-kva.example:8443"),
        ("日本語.example", "xn--wgv71a119e.example"),
    ],
)
def test_a_name_beyond_ascii_goes_over_the_wire_as_dns_has_it(
    client_of: Any, server_of: Any, host: str, expected: str
) -> None:
    asked: list[bytes] = []

    async def script(wire: Any) -> None:
        asked.append(await wire.reader.readuntil(b"\r\n\r\n"))
        await wire.answer(b"ok")

    assert over_proxy(client_of, server_of, script, f"http://{host}").status == 200
    assert f"\r\nHost: {expected}\r\n".encode() in asked[0]


def test_a_name_that_dns_cannot_have_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="has a host that is no name"):
        BaseUrl.parse("https://ü" + "a" * 80 + ".example")
