"""What else a call does: secrets, files, lists, compression, sinks, guards, proxies."""

from __future__ import annotations

import asyncio
import base64
import email
import email.policy
import gzip
import hashlib
import io
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_cloudfn.auth.client_authentication import OAuth2Client
from airflow_provider_cloudfn.auth.oauth2 import OAuth2ClientCredentials
from airflow_provider_cloudfn.auth.token_store import MemoryTokenStore
from airflow_provider_cloudfn.client.body import FilePart, Json
from airflow_provider_cloudfn.client.client import Client
from airflow_provider_cloudfn.client.request import Request, Sending
from airflow_provider_cloudfn.client.retry import RetryPolicy
from airflow_provider_cloudfn.client.secret import secret
from airflow_provider_cloudfn.client.url import BaseUrl
from airflow_provider_cloudfn.exceptions import CommunicationError, ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_cloudfn.client.attempt import Attempt

QUICK = RetryPolicy(attempts=3, first_wait=0.001, longest_wait=0.001)
SECRET = "s3cret-value"


def test_a_secret_inside_a_request_is_on_the_wire_only(talk: Any, client_of: Any) -> None:
    seen: list[Attempt] = []

    async def echo(wire: Any) -> None:
        request = await wire.request()
        await wire.answer(request, status="400 Bad")

    call = {
        "query": {"tenant": secret("tenant"), "x": "1"},
        "headers": {"X-Tenant": secret("tenant")},
        "json": {"tenant": secret("tenant"), "deep": [{"key": secret("tenant")}]},
    }
    exchange = talk(echo, "POST", call=call, secret_values={"tenant": SECRET}, on_attempt=seen.append)

    (received,) = exchange.received
    assert received.count(SECRET.encode()) == 4
    assert SECRET not in str(exchange.outcome) + repr(seen)


def test_a_secret_inside_a_request_is_shown_as_stars() -> None:
    client = Client(base_url=BaseUrl.parse("https://h"), secret_values={"tenant": SECRET})

    hidden = secret("tenant")

    prepared = client.prepare(Request("POST", "/v1", {"t": hidden}, {"X-T": hidden}, Json({"t": hidden})))

    assert prepared.url == "https://h/v1?t=***"
    assert ("X-T", "***") in prepared.headers
    assert prepared.body == b'{"t":"***"}'
    assert SECRET not in repr(prepared)


def test_a_secret_that_the_connection_does_not_have_is_refused(talk: Any, answers: Any) -> None:
    exchange = talk(answers(), "POST", call={"json": secret("tenant")}, secret_values={"other": "x"})

    assert type(exchange.outcome) is ConfigurationError
    assert "secret('tenant'): the connection's secret_values have no such name (known: 'other')" in str(
        exchange.outcome
    )
    assert exchange.received == []


class MemoryFile:
    """A sink that is looked at."""

    def __init__(self) -> None:
        self.opened = 0
        self.discarded = 0
        self.kept = False
        self.largest_write = 0
        self.written = b""

    def check(self) -> None:
        pass

    def open(self) -> io.BytesIO:
        self.opened += 1
        sink = self

        class File(io.BytesIO):
            def write(self, piece: Any) -> int:
                sink.largest_write = max(sink.largest_write, len(piece))
                return super().write(piece)

            def close(self) -> None:
                sink.written = self.getvalue()
                super().close()

        return File()

    def keep(self) -> None:
        self.kept = True

    def discard(self) -> None:
        self.discarded += 1


def test_a_body_beyond_the_limit_goes_into_a_sink_in_constant_memory(talk: Any) -> None:
    content = bytes(range(256)) * 40_000
    sink = MemoryFile()

    async def script(wire: Any) -> None:
        await wire.request()
        await wire.answer(gzip.compress(content), "Content-Encoding: gzip", "Content-Type: image/png")

    response = talk(script, call={"sink": sink}).outcome

    assert sink.written == content
    assert (response.content, response.body) == (b"", None)
    assert (response.stored.size, response.stored.media_type) == (len(content), "image/png")
    assert response.stored.sha256 == hashlib.sha256(content).hexdigest()
    assert sink.largest_write < 2_000_000
    assert (sink.opened, sink.discarded) == (1, 0)


def test_half_a_body_in_a_sink_is_discarded_and_written_again(talk: Any) -> None:
    sink = MemoryFile()

    async def script(wire: Any) -> None:
        await wire.request()
        if wire.connection == 0:
            await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        else:
            await wire.answer(b"whole")

    response = talk(script, call={"sink": sink}, retry=QUICK).outcome

    assert (sink.written, response.stored.size, sink.opened, sink.discarded) == (b"whole", 5, 2, 1)


def test_a_small_body_in_a_sink_can_say_that_the_token_is_refused(server_of: Any, client_of: Any) -> None:
    sink = MemoryFile()
    tokens = iter([b"t1", b"t2"])

    async def script(wire: Any) -> None:
        while True:
            request = await wire.request()
            if b"POST /token" in request:
                await wire.answer(b'{"access_token": "%s"}' % next(tokens))
            else:
                await wire.answer(b"whole" if b"Bearer t2" in request else b'{"errcode": 40001}')

    async def call() -> Any:
        async with server_of(script) as server:
            auth = OAuth2ClientCredentials(
                OAuth2Client(token_url=f"{server.url}/token", client_id="c", client_secret="s"),
                renew_when=lambda response: b"40001" in response.content,
                store=MemoryTokenStore(),
            )
            return await client_of(server, auth=auth).request(Request("GET", "/v1"), Sending(sink=sink))

    response = asyncio.run(call())

    assert (sink.written, response.stored.size, response.content) == (b"whole", 5, b"")
    assert (sink.opened, sink.discarded, sink.kept) == (2, 1, True)


def test_an_error_never_goes_into_a_sink(talk: Any, answers: Any) -> None:
    sink = MemoryFile()

    error = talk(answers("404 X"), call={"sink": sink}).outcome

    assert "it says: no" in str(error)
    assert sink.opened == 0


class NowhereFile(MemoryFile):
    """A sink in a folder that is missing, as is seen at once or only when it is opened."""

    def __init__(self, at: str) -> None:
        super().__init__()
        self.at = at

    def check(self) -> None:
        if self.at == "check":
            raise FileNotFoundError(2, "No such file or directory")

    def open(self) -> io.BytesIO:
        raise FileNotFoundError(2, "No such file or directory")


def test_nothing_is_sent_whose_answer_would_have_no_place(talk: Any, answers: Any) -> None:
    exchange = talk(answers(), "POST", call={"sink": NowhereFile("check")}, retry=QUICK)

    assert type(exchange.outcome) is ConfigurationError
    assert exchange.outcome.never_sent
    assert (exchange.received, exchange.connections) == ([], 0)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_answer_that_has_lost_its_place_is_told_with_its_status_and_request_id(
    talk: Any, answers: Any, method: str
) -> None:
    script = answers("201 Created", headers=("X-Request-Id: req-7",))
    exchange = talk(script, method, call={"sink": NowhereFile("open")}, retry=QUICK)

    error = exchange.outcome
    assert type(error) is CommunicationError
    assert (error.status, error.request_id, error.retryable, error.never_sent) == (201, "req-7", False, False)
    assert "the request was made, and answered 201 (request id req-7)" in str(error)
    assert len(exchange.received) == 1


@pytest.mark.parametrize(("method", "sent"), [("GET", 3), ("POST", 1)])
def test_a_storage_that_fails_has_only_what_can_be_repeated_sent_again(
    talk: Any, answers: Any, method: str, sent: int
) -> None:
    class FullDisk(MemoryFile):
        def open(self) -> io.BytesIO:
            raise OSError(28, "No space left on device")

    exchange = talk(answers(), method, call={"sink": FullDisk()}, retry=QUICK)

    assert type(exchange.outcome) is CommunicationError
    assert len(exchange.received) == sent


def test_files_of_a_form_arrive(talk: Any, answers: Any) -> None:
    call = {
        "data": {"kind": "invoice", "tags": ["a", "b"]},
        "files": {"file": FilePart("rechnung ü.pdf", b"%PDF\r\n--x", "application/pdf")},
    }
    (received,) = talk(answers(), "POST", call=call).received

    message = email.message_from_bytes(received.partition(b"\r\n")[2], policy=email.policy.HTTP)
    parts = [
        (part.get_param("name", header="content-disposition"), part.get_content_type(), part.get_payload(decode=True))
        for part in message.iter_parts()
    ]
    assert parts == [
        ("kind", "text/plain", b"invoice"),
        ("tags", "text/plain", b"a"),
        ("tags", "text/plain", b"b"),
        ("file", "application/pdf", b"%PDF\r\n--x"),
    ]


@pytest.mark.parametrize(("size", "compressed"), [(100, False), (100_000, True)])
def test_a_large_body_is_compressed_on_request(talk: Any, answers: Any, size: int, compressed: bool) -> None:
    (received,) = talk(answers(), "POST", call={"data": b"x" * size, "compress": True}).received

    head, _, body = received.partition(b"\r\n\r\n")
    assert (b"content-encoding: gzip" in head.lower()) is compressed
    assert (gzip.decompress(body) if compressed else body) == b"x" * size


@pytest.mark.parametrize(
    ("style", "expected"),
    [("repeat", "/v1?a=1&a=2"), ("brackets", "/v1?a%5B%5D=1&a%5B%5D=2"), ("comma", "/v1?a=1%2C2")],
)
def test_a_list_in_the_query_is_written_in_its_style(talk: Any, answers: Any, style: str, expected: str) -> None:
    (received,) = talk(answers(), call={"query": {"a": [1, 2]}, "list_style": style}).received

    assert received.split(b" ")[1].decode() == expected


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"], ids=["literal", "by-name"])
def test_an_address_that_is_not_allowed_is_never_connected_to(
    answers: Any, server_of: Any, client_of: Any, host: str
) -> None:
    asked: list[str] = []

    def is_allowed(address: str) -> bool:
        asked.append(address)
        return False

    async def run() -> int:
        async with server_of(answers()) as server:
            client = client_of(server, base_url=f"http://{host}:{server.port}", is_allowed=is_allowed)
            with pytest.raises(ConfigurationError, match="which its address_guard refuses"):
                await client.request(Request("GET", "/v1"))
            return int(server.exchange.connections)

    assert asyncio.run(run()) == 0
    assert asked


def test_a_connection_to_a_proxy_is_kept_between_two_calls(answers: Any, server_of: Any, client_of: Any) -> None:
    async def both() -> tuple[int, int]:
        async with server_of(answers()) as proxy:
            client = client_of(
                proxy,
                base_url=BaseUrl.parse("http://api.example.com/v2", allow_http=True),
                proxy=f"http://ann:{SECRET}@127.0.0.1:{proxy.port}",
            )
            async with client.session() as session:
                for _ in range(2):
                    await session.request(Request("GET", "/v1"))
            return len(proxy.exchange.received), proxy.exchange.connections

    assert asyncio.run(both()) == (2, 1)


def test_a_proxy_is_used_and_asked_with_its_credentials(answers: Any, server_of: Any, client_of: Any) -> None:
    async def run() -> list[bytes]:
        async with server_of(answers()) as proxy:
            client = client_of(
                proxy,
                base_url=BaseUrl.parse("http://shop.invalid", allow_http=True),
                proxy=f"http://ann:{SECRET}@127.0.0.1:{proxy.port}",
            )
            await client.request(Request("GET", "/v1"))
            return list(proxy.exchange.received)

    (received,) = asyncio.run(run())
    assert received.startswith(b"GET http://shop.invalid/v1 HTTP/1.1")
    assert b"Proxy-Authorization: Basic " + base64.b64encode(f"ann:{SECRET}".encode()) in received


def test_the_answer_to_head_may_be_any_size(talk: Any) -> None:
    async def script(wire: Any) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\nContent-Encoding: gzip\r\n\r\n")

    assert talk(script, "HEAD").outcome.status == 200
