"""A server on loopback that does with each connection what a test tells it, and a client that calls it."""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_cloudfn.client.client import Client
from airflow_provider_cloudfn.client.request import Request, Sending
from airflow_provider_cloudfn.client.retry import NO_RETRY
from airflow_provider_cloudfn.client.settings import ResponseLimits, Timeouts
from airflow_provider_cloudfn.client.url import BaseUrl
from airflow_provider_cloudfn.hooks.request_options import body_of

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Iterator

    from airflow_provider_cloudfn.client.response import Response


@dataclass
class Wire:
    """
    One connection as the server sees it.

    :param received: The requests that came so far, over all connections.
    :param connection: The how many-th connection it is, from 0.
    """

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    received: list[bytes]
    connection: int

    async def request(self) -> bytes:
        """Read a request, its body too, and keep it."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line[:15] == b"content-length:"), 0)
        whole = head + await self.reader.readexactly(length)
        self.received.append(whole)
        return whole

    async def send(self, content: bytes) -> None:
        self.writer.write(content)
        await self.writer.drain()

    async def answer(self, content: bytes = b"", *headers: str, status: str = "200 OK") -> None:
        """Answer as HTTP/1.1 wants it."""
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", *headers, "", ""]
        await self.send("\r\n".join(lines).encode("latin-1") + content)

    async def wait_for_the_end(self) -> None:
        """Do nothing until the client goes."""
        while await self.reader.read(65536):
            pass

    def reset(self) -> None:
        """Break the connection off (RST)."""
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


@dataclass
class Exchange:
    """
    What came of it.

    :param outcome: The response, or the error.
    :param received: The requests that reached the server.
    :param connections: How many connections were made.
    """

    outcome: Any = None
    received: list[bytes] = field(default_factory=list)
    connections: int = 0


class Server:
    """
    Starts a script for each connection.

    :param script: Is given the wire.
    :param tls: What the server shows, or None.
    """

    def __init__(self, script: Callable[[Wire], Awaitable[object]], tls: ssl.SSLContext | None = None) -> None:
        self._script = script
        self._tls = tls
        self.exchange = Exchange()
        self.port = 0

    async def __aenter__(self) -> Server:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = Wire(reader, writer, self.exchange.received, self.exchange.connections)
        self.exchange.connections += 1
        try:
            await self._script(wire)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    @property
    def url(self) -> str:
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}"


def make_client(server: Server, *, base_url: BaseUrl | str | None = None, **settings: Any) -> Client:
    where = server.url if base_url is None else base_url
    return Client(
        **{
            "base_url": BaseUrl.parse(where) if isinstance(where, str) else where,
            "timeouts": Timeouts(connect=2, read=0.4, total=2),
            "limits": ResponseLimits(body=1_000_000),
            "retry": NO_RETRY,
            **settings,
        }
    )


def asked(
    method: str,
    uri: str,
    *,
    json: Any = None,
    data: Any = None,
    files: Any = None,
    timeout: float | None = None,
    sink: Any = None,
    idempotent: bool | None = None,
    retry: Any = None,
    check_status: bool = True,
    **parts: Any,
) -> tuple[Request, Sending]:
    """Return a request as tests write it, and how it is sent."""
    request = Request(method, uri, body=body_of(json, data, files), **parts)
    return request, Sending(timeout, retry, idempotent, sink, check_status)


def _answers(*statuses: str, headers: tuple[str, ...] = ()) -> Any:
    """Answer the requests with these statuses, whatever connection they come on, and then with 200."""
    left = list(statuses)

    async def script(wire: Any) -> None:
        while True:
            await wire.request()
            if left and left[0] == "RESET":
                left.pop(0)
                wire.reset()
                return
            if left:
                await wire.answer(b"no", *headers, status=left.pop(0))
            else:
                await wire.answer(b"ok")

    return script


@pytest.fixture
def answers() -> Callable[..., Any]:
    """Return what makes a script that answers with these statuses, and then with 200."""
    return _answers


@pytest.fixture
def talk() -> Callable[..., Exchange]:
    """Return what makes one call to a server that follows a script."""

    def run(
        script: Callable[[Wire], Awaitable[object]],
        method: str = "GET",
        uri: str = "/v1",
        *,
        server_tls: ssl.SSLContext | None = None,
        call: dict[str, Any] | None = None,
        **settings: Any,
    ) -> Exchange:
        async def both() -> Exchange:
            async with Server(script, server_tls) as server:
                try:
                    server.exchange.outcome = await make_client(server, **settings).request(
                        *asked(method, uri, **(call or {}))
                    )
                except Exception as error:
                    server.exchange.outcome = error
                return server.exchange

        return asyncio.run(both())

    return run


@pytest.fixture
def talk_twice() -> Callable[..., Exchange]:
    """Return what makes two calls in one session."""

    def run(script: Callable[[Wire], Awaitable[object]], method: str = "GET", **settings: Any) -> Exchange:
        async def both() -> Exchange:
            async with Server(script) as server:
                answers: list[Response | Exception] = []
                async with make_client(server, **settings).session() as client:
                    for _ in range(2):
                        try:
                            answers.append(await client.request(Request(method, "/v1")))
                        except Exception as error:
                            answers.append(error)
                server.exchange.outcome = answers
                return server.exchange

        return asyncio.run(both())

    return run


@pytest.fixture
def server_of() -> type[Server]:
    """Return what starts a server in a running event loop."""
    return Server


@pytest.fixture
def client_of() -> Callable[..., Client]:
    """Return what makes a client of such a server."""
    return make_client


@pytest.fixture
def unused_tcp_port() -> Iterator[int]:
    """Return a port that is taken, so that nobody else gets it, and that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]
