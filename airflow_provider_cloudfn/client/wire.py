"""
Writes a request on a connection of aiohttp's, and reads the head of its answer.

aiohttp's session, request and response would cost as much as all the rest of a call, to do what nobody wants of them here:
cookies, redirects, decompression, credentials of the environment, a second sending behind a connection that broke.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import cached_property
from inspect import signature
from typing import TYPE_CHECKING, Any, Self

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import StreamWriter
from yarl import URL

from airflow_provider_cloudfn.auth.message import METHODS_WITHOUT_BODY
from airflow_provider_cloudfn.client.default_headers import DEFAULT_HEADERS, with_default_headers
from airflow_provider_cloudfn.client.time_split import STOPWATCH
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from urllib.parse import SplitResult

    from airflow_provider_cloudfn.auth.message import HttpRequest
    from airflow_provider_cloudfn.client.settings import Timeouts

__all__ = ["OpenResponse", "Wire"]

#: A line of a head that is longer is none.
_LINE = 64 * 1024
#: How many fields a head may have; newer versions of aiohttp allow 128, which some services and their proxies exceed.
_FIELDS = {"max_headers": 1000} if "max_headers" in signature(ResponseHandler.set_response_params).parameters else {}
#: A body that is no longer goes out together with its head.
_SMALL = 64 * 1024


class OpenResponse:
    """
    An answer whose head is there; its connection is given back at the end of the block, or closed.

    :param connection: aiohttp's.
    :param message: The head.
    :param content: The body, as a stream.
    :param sending: Sends what is left of the request's body; None where all is sent.
    """

    def __init__(self, connection: Any, message: Any, content: aiohttp.StreamReader, sending: Any) -> None:
        self.status: int = message.code
        self.headers = message.headers
        self.content = content
        self._connection = connection
        self._sending = sending

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        is_sent = self._sending is None or self._sending.done()
        if not is_sent:
            self._sending.cancel()
        if kind is None and is_sent:
            self._connection.release()
        else:
            self._connection.close()


class _Route(aiohttp.ClientRequest):
    """What aiohttp wants to know of where a connection leads."""

    @cached_property
    def connection_key(self) -> Any:
        """What tells connections apart: as it was before a connection over a proxy has changed what is sent to that."""
        return super().connection_key


class Wire:
    """
    The connections of a session.

    :param connector: Makes them, and keeps them.
    :param timeouts: Connect and read.
    :param proxy: The URL of a proxy, or None.
    """

    def __init__(self, connector: aiohttp.BaseConnector, timeouts: Timeouts, proxy: str | None) -> None:
        self._connector = connector
        # `connect` is from the look-up of the name to the end of TLS' handshake.
        self._timeout = aiohttp.ClientTimeout(total=None, connect=timeouts.connect)
        self._silence = timeouts.read
        self._proxy = None if proxy is None else URL(proxy)
        #: How many requests have no answer yet.
        self._under_way = 0
        #: By scheme and authority.
        self._routes: dict[tuple[str, str], _Route] = {}

    async def send(self, request: HttpRequest, parts: SplitResult, on_connected: Callable[[], None]) -> OpenResponse:
        """
        Send a request, and wait for the head of its answer.

        :param request: The request, with credentials.
        :param parts: Its URL.
        :param on_connected: Called before the first byte is sent: from then on the service may have got the request.
        :raises ConfigurationError: for a header that can't be written; nothing was sent then.
        """
        self._under_way += 1
        try:
            if self._under_way > 1:
                # Those that are ready go out one right behind the other, so that what reads them, such as a proxy on this
                # machine, is woken once for all: to be woken for each takes longer than to write it.
                await asyncio.sleep(0)
            return await self._sent(request, parts, on_connected)
        finally:
            self._under_way -= 1

    async def _sent(self, request: HttpRequest, parts: SplitResult, on_connected: Callable[[], None]) -> OpenResponse:
        watch = STOPWATCH.get()
        route = self._route(parts)
        if watch is not None:
            watch.has_tls = route.is_ssl()
            watch.turn_to("connect")
        try:
            connection = await self._connector.connect(route, [], self._timeout)
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError("no connection was made in time") from error
        if watch is not None:
            watch.turn_to("first_byte")
        sending: asyncio.Task[None] | None = None
        try:
            head = _head(request, parts, route)
            on_connected()
            protocol: Any = connection.protocol
            protocol.set_response_params(
                skip_payload=request.method == "HEAD",
                read_until_eof=True,
                auto_decompress=False,
                read_timeout=self._silence,
                max_line_size=_LINE,
                max_field_size=_LINE,
                **_FIELDS,
            )
            sending = _write(protocol, head, request.body)
            while True:
                message, content = await protocol.read()
                # Behind 100 Continue and 103 Early Hints there is more to come.
                if not 100 <= message.code < 200 or message.code == 101:
                    return OpenResponse(connection, message, content, sending)
        except BaseException:
            if sending is not None:
                sending.cancel()
            connection.close()
            raise

    def _route(self, parts: SplitResult) -> _Route:
        key = (parts.scheme, parts.netloc)
        if key not in self._routes:
            url = URL(f"{parts.scheme}://{parts.netloc}/", encoded=True)
            self._routes[key] = _Route(
                "GET",
                url,
                loop=asyncio.get_running_loop(),
                proxy=self._proxy,
                proxy_headers=None if self._proxy is None else {"User-Agent": DEFAULT_HEADERS["User-Agent"]},
            )
        return self._routes[key]


def _head(request: HttpRequest, parts: SplitResult, route: _Route) -> bytes:
    """Return the head of a request, in Latin-1, as HTTP knows it (RFC 9110, section 5.5)."""
    target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    if route.proxy is not None and not route.is_ssl():
        target = f"{parts.scheme}://{parts.netloc}{target}"
    lines = [f"{request.method} {target} HTTP/1.1"]
    if request.header("host") is None:
        lines.append(f"Host: {route.headers['Host']}")
    lines += [f"{name}: {value}" for name, value in with_default_headers(request.headers)]
    if (authorization := route.headers.get("Proxy-Authorization")) is not None:
        lines.append(f"Proxy-Authorization: {authorization}")
    if request.body or request.method not in METHODS_WITHOUT_BODY:
        lines.append(f"Content-Length: {len(request.body)}")
    text = "\n".join(lines)
    try:
        if "\r" not in text and "\0" not in text and text.count("\n") == len(lines) - 1:
            return f"{text}\n\n".replace("\n", "\r\n").encode("latin-1")
    except UnicodeEncodeError:
        pass
    raise _unwritable(request)


def _unwritable(request: HttpRequest) -> ConfigurationError:
    for name, value in request.headers:
        if any(character > "\xff" for character in name + value):
            return ConfigurationError(
                f'headers["{name}"]: has a character beyond Latin-1, which no header can have: encode it, '
                "as with url.encode(…)",
                never_sent=True,
            )
        if any(character in "\r\n\0" for character in name + value):
            return ConfigurationError(
                f"headers[{name!r}]: has a line break or a null character, which no header can have: leave it out",
                never_sent=True,
            )
    return ConfigurationError("its method or URL has a character that no head of a request can have", never_sent=True)


def _write(protocol: Any, head: bytes, body: bytes) -> asyncio.Task[None] | None:
    """Write a request; what sends the rest of a long one is returned."""
    transport = protocol.transport
    if transport is None:
        raise aiohttp.ServerDisconnectedError
    if len(body) <= _SMALL:
        transport.write(head + body)
    else:
        transport.write(head)
        transport.write(body)
    if protocol.writing_paused:
        return asyncio.create_task(_rest_sent(protocol))
    protocol.start_timeout()
    return None


async def _rest_sent(protocol: Any) -> None:
    """Wait until all is sent: before that, nobody can expect the service to answer."""
    # Whoever waits for the answer is told when the connection breaks.
    with suppress(OSError, aiohttp.ClientError):
        await StreamWriter(protocol, asyncio.get_running_loop()).drain()
        protocol.start_timeout()
