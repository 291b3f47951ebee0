"""Sends one request over aiohttp and reads its answer within bounds."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_provider_cloudfn import __version__
from airflow_provider_cloudfn.auth.message import HttpRequest, HttpResponse
from airflow_provider_cloudfn.client.decoding import ACCEPT_ENCODING, BodyDecoder, DecodingError
from airflow_provider_cloudfn.client.response import read_response
from airflow_provider_cloudfn.client.sink import BodyWriter, check
from airflow_provider_cloudfn.client.transport_errors import transport_error
from airflow_provider_cloudfn.exceptions import (
    CloudFunctionError,
    CommunicationError,
    LimitError,
    RequestTimeoutError,
)

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable, Sequence

    import aiohttp

    from airflow_provider_cloudfn.client.settings import ResponseLimits, Timeouts
    from airflow_provider_cloudfn.client.sink import ResponseSink, StoredBody

__all__ = ["Transport", "open_transport"]

_CHUNK = 64 * 1024
_HEADERS = 64 * 1024
_USER_AGENT = f"airflow-provider-cloudfn/{__version__}"


class Transport:
    """
    An open session.

    :param session: An aiohttp session.
    :param limits: How much an answer may bring.
    :param proxy: The URL of a proxy, or None.
    :param is_allowed: Whether an IP address may be talked to; None for any.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        limits: ResponseLimits,
        proxy: str | None,
        is_allowed: Callable[[str], bool] | None = None,
    ) -> None:
        self._session = session
        self._limits = limits
        self._proxy = proxy
        self._is_allowed = is_allowed

    async def send(self, request: HttpRequest, on_connected: Callable[[], None] | None = None) -> HttpResponse:
        """
        Send a request and read its answer. Redirects are not followed here.

        :param request: The request, with credentials.
        :param on_connected: Called when there is a connection: from then on the service may have got the request.
        :raises RequestTimeoutError: when it takes too long.
        :raises CommunicationError: when no connection can be made, or what comes over it is not a whole answer.
        :raises LimitError: when the answer is larger than allowed.
        """
        response, _ = await self._send(request, None, on_connected)
        return response

    async def send_to(
        self, request: HttpRequest, sink: ResponseSink, on_connected: Callable[[], None] | None = None
    ) -> tuple[HttpResponse, StoredBody | None]:
        """
        Send a request, and let the body of a success go into a sink; that of any other answer is read.

        :param request: The request, with credentials.
        :param sink: Where the body goes.
        :param on_connected: As of :meth:`send`.
        :returns: The answer, with its body if that is small, so that it can be judged; and the stored body.
        :raises ConfigurationError: when the sink can't be written; the request is not sent then.
        :raises CloudFunctionError: as :meth:`send` does; the sink is discarded then.
        """
        return await self._send(request, sink, on_connected)

    async def _send(
        self, request: HttpRequest, sink: ResponseSink | None, on_connected: Callable[[], None] | None
    ) -> tuple[HttpResponse, StoredBody | None]:
        import aiohttp
        from yarl import URL

        from airflow_provider_cloudfn.client.connector import ON_CONNECTED

        parts = urlsplit(request.url)
        where = f"{request.method} {parts.scheme}://{parts.netloc}{parts.path}"
        if self._is_allowed is not None:
            from airflow_provider_cloudfn.client.resolver import refuse_host

            refuse_host(parts.hostname or "", self._is_allowed)
        if sink is not None:
            await check(sink, where)
        ON_CONNECTED.set(on_connected)
        try:
            async with self._session.request(
                request.method,
                URL(request.url, encoded=True),
                headers=list(request.headers),
                data=request.body or None,
                allow_redirects=False,
                proxy=self._proxy,
            ) as response:
                headers = tuple((name, value) for name, value in response.headers.items())
                pieces = self._decoded(response, where)
                if sink is None or not 200 <= response.status < 300:
                    content = await self._read(pieces, response, where)
                    return HttpResponse(response.status, headers, content, _ends_by_close(response)), None
                # As it is read of any answer; of this one the body goes elsewhere.
                request_id = read_response(HttpResponse(response.status, headers), where).request_id
                async with BodyWriter(sink, where, status=response.status, request_id=request_id) as writer:
                    async for piece in pieces:
                        await writer.write(piece)
                stored = writer.stored(response.headers.get("Content-Type"))
                return HttpResponse(response.status, headers, writer.small_body), stored
        except CloudFunctionError:
            raise
        except (aiohttp.ClientError, OSError, ValueError) as error:
            failure = transport_error(error, where)
        # Raised here, so that what came over the wire, which aiohttp quotes, is not the error's context.
        raise failure

    async def _decoded(self, response: aiohttp.ClientResponse, where: str) -> AsyncIterator[bytes]:
        try:
            _refuse_transfer_coding(response.headers.get("Transfer-Encoding"))
            decoder = BodyDecoder(response.headers.get("Content-Encoding"))
            async for chunk in response.content.iter_chunked(_CHUNK):
                for piece in decoder.feed(chunk):
                    yield piece
            decoder.finish()
        except DecodingError as error:
            raise CommunicationError(
                f"{where}: what came can't be read: {error}",
                status=response.status,
                retryable=error.retryable,
                stage="encoding",
            ) from None

    async def _read(self, pieces: AsyncIterator[bytes], response: aiohttp.ClientResponse, where: str) -> bytes:
        bound = self._limits.body
        declared = response.content_length
        if declared is not None and declared > bound and response.method != "HEAD":
            raise self._too_large(where)
        found: list[bytes] = []
        size = 0
        async for piece in pieces:
            size += len(piece)
            if size > bound:
                raise self._too_large(where)
            found.append(piece)
        return b"".join(found)

    def _too_large(self, where: str) -> LimitError:
        return LimitError(
            f"{where}: the answer is larger than {self._limits.body:,} bytes; ask for less, such as a page or fewer fields"
        )


@asynccontextmanager
async def open_transport(
    timeouts: Timeouts,
    limits: ResponseLimits,
    *,
    tls: ssl.SSLContext | None,
    proxy: str | None,
    is_allowed: Callable[[str], bool] | None = None,
    trace_configs: Sequence[Any] = (),
) -> AsyncIterator[Transport]:
    """
    Open a session for as long as the block lasts.

    :param timeouts: Connect and read; the total is the caller's to watch.
    :param limits: How much an answer may bring.
    :param tls: How certificates are checked; None as the system does.
    :param proxy: The URL of a proxy, or None.
    :param is_allowed: Whether an IP address may be talked to; None for any. A proxy's own is not asked about, and behind one
        it is the proxy that resolves names.
    :param trace_configs: aiohttp's, which tell when what happened.
    """
    import aiohttp

    from airflow_provider_cloudfn.client.connector import TellingConnector
    from airflow_provider_cloudfn.client.resolver import GuardedResolver

    arguments: dict[str, Any] = {} if tls is None else {"ssl": tls}
    # Without a limit: how many requests there are at once is the caller's to say, and none should time out in a queue.
    resolver = GuardedResolver(is_allowed if proxy is None else None)
    connector = TellingConnector(resolver=resolver, limit=0, **arguments)
    async with aiohttp.ClientSession(
        connector=connector,
        # No cookie of one call is sent with another one, and no environment variable changes where a request goes.
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        # `connect` is from the look-up of the name to the end of TLS' handshake.
        timeout=aiohttp.ClientTimeout(total=None, connect=timeouts.connect, sock_read=timeouts.read),
        headers={"User-Agent": _USER_AGENT, "Accept-Encoding": ACCEPT_ENCODING},
        # A request without a body has no media type.
        skip_auto_headers=("Content-Type",),
        auto_decompress=False,
        max_line_size=_HEADERS,
        max_field_size=_HEADERS,
        trace_configs=list(trace_configs),
    ) as session:
        # aiohttp would send GET, PUT, DELETE and the like twice when a connection breaks, unseen: the retry policy decides.
        session._retry_connection = False
        yield Transport(session, limits, proxy, is_allowed)


def _refuse_transfer_coding(name: str | None) -> None:
    """Refuse what aiohttp would hand on as it is (RFC 9112, section 6.1): nobody asked for it."""
    if name is not None and name.strip().lower() not in ("chunked", "identity"):
        raise DecodingError(
            f"its Transfer-Encoding {name[:60]!r} is none of those that were asked for", retryable=False
        )


def _ends_by_close(response: aiohttp.ClientResponse) -> bool:
    """Return whether a body has neither a length nor chunks (RFC 9112, section 6.3, rule 8)."""
    return "Content-Length" not in response.headers and "Transfer-Encoding" not in response.headers


async def within(
    seconds: float,
    where: str,
    work: Any,
    *,
    shown_as: float | None = None,
    is_sent: Callable[[], bool] = lambda: False,
) -> Any:
    """
    Wait for work, but not for longer than that.

    :param seconds: How long.
    :param where: What the error names.
    :param work: A coroutine.
    :param shown_as: How long the error says that it was allowed to take, where `seconds` is what was left of that.
    :param is_sent: Whether the service may have got the request by then.
    :raises RequestTimeoutError: when it takes longer.
    """
    shown = seconds if shown_as is None else shown_as
    try:
        async with asyncio.timeout(seconds) as scope:
            return await work
    except TimeoutError:
        if not scope.expired():
            raise
        sent = is_sent()
        raise RequestTimeoutError(
            f"{where}: took longer than {shown:g} seconds in all; "
            + ("the service may have taken the request all the same" if sent else "the request itself was never sent"),
            retryable=True,
            never_sent=not sent,
        ) from None
