"""Sends one request over aiohttp and reads its answer within bounds."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.auth.message import HttpRequest, HttpResponse
from airflow_provider_cloudfn.client.decoding import BodyDecoder, DecodingError
from airflow_provider_cloudfn.client.response import read_response
from airflow_provider_cloudfn.client.sink import BodyWriter, check
from airflow_provider_cloudfn.client.time_split import STOPWATCH
from airflow_provider_cloudfn.client.transport_errors import failures_of_transport, transport_error
from airflow_provider_cloudfn.client.url import split_url
from airflow_provider_cloudfn.exceptions import (
    CloudFunctionError,
    CommunicationError,
    LimitError,
    RequestTimeoutError,
    seconds_text,
)

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable

    from airflow_provider_cloudfn.client.settings import ResponseLimits, Timeouts
    from airflow_provider_cloudfn.client.sink import ResponseSink, StoredBody
    from airflow_provider_cloudfn.client.wire import OpenResponse, Wire

__all__ = ["Transport", "open_transport"]

_CHUNK = 64 * 1024


class Transport:
    """
    An open session.

    :param wire: Its connections.
    :param limits: How much an answer may bring.
    :param is_direct: Whether requests go over no proxy.
    :param is_allowed: Whether an IP address may be talked to; None for any.
    """

    def __init__(
        self,
        wire: Wire,
        limits: ResponseLimits,
        *,
        is_direct: bool = True,
        is_allowed: Callable[[str], bool] | None = None,
    ) -> None:
        self._wire = wire
        self._limits = limits
        self._is_direct = is_direct
        self._is_allowed = is_allowed
        #: The last host that was asked about, as it is nearly always the next one's, too.
        self._allowed: str | None = None
        self._failures = failures_of_transport()

    async def send(
        self,
        request: HttpRequest,
        on_connected: Callable[[], None] | None = None,
        sink: ResponseSink | None = None,
    ) -> tuple[HttpResponse, StoredBody | None]:
        """
        Send a request and read its answer. Redirects are not followed here.

        :param request: The request, with credentials.
        :param on_connected: Called when there is a connection: from then on the service may have got the request.
        :param sink: Where the body of a success goes; that of any other answer is read.
        :returns: The answer, with its body if it went nowhere else or is small, so that it can be judged; and the stored body.
        :raises ConfigurationError: when the sink can't be written; the request is not sent then.
        :raises RequestTimeoutError: when it takes too long.
        :raises CommunicationError: when no connection can be made, or what comes over it is not a whole answer.
        :raises LimitError: when the answer is larger than allowed. The sink is discarded then, and with any other error.
        """
        parts = split_url(request.url)
        where = f"{request.method} {parts.scheme}://{parts.netloc}{parts.path}"
        if self._is_allowed is not None and parts.netloc != self._allowed:
            from airflow_provider_cloudfn.client.resolver import refuse_host

            refuse_host(parts.hostname or "", self._is_allowed)
            self._allowed = parts.netloc
        if sink is not None:
            await check(sink, where)
        is_connected = False

        def reached() -> None:
            nonlocal is_connected
            is_connected = True
            if on_connected is not None:
                on_connected()

        try:
            with await self._wire.send(request, parts, reached) as answer:
                if (watch := STOPWATCH.get()) is not None:
                    watch.turn_to("download")
                headers = tuple(answer.headers.items())
                is_head = request.method == "HEAD"
                if not 200 <= answer.status < 300:
                    content, failure = await self._what_came(answer, where, is_head=is_head)
                    return HttpResponse(answer.status, headers, content, _ends_by_close(answer), failure), None
                if sink is None:
                    content = await self._read(answer, where, [], is_head=is_head)
                    return HttpResponse(answer.status, headers, content, _ends_by_close(answer)), None
                # As it is read of any answer; of this one the body goes elsewhere.
                request_id = read_response(HttpResponse(answer.status, headers), where).request_id
                async with BodyWriter(sink, where, status=answer.status, request_id=request_id) as writer:
                    async for piece in self._decoded(answer, where):
                        await writer.write(piece)
                stored = writer.stored(answer.headers.get("Content-Type"))
                return HttpResponse(answer.status, headers, writer.small_body), stored
        except CloudFunctionError:
            raise
        except self._failures as error:
            failure = transport_error(error, where, is_direct=self._is_direct, is_connected=is_connected)
        # Raised here, so that what came over the wire, which aiohttp quotes, is not the error's context.
        raise failure

    async def _decoded(self, answer: OpenResponse, where: str) -> AsyncIterator[bytes]:
        try:
            _refuse_transfer_coding(", ".join(answer.headers.getall("Transfer-Encoding", ())))
            decoder = BodyDecoder(", ".join(answer.headers.getall("Content-Encoding", ())))
            async for chunk in answer.content.iter_chunked(_CHUNK):
                for piece in decoder.feed(chunk):
                    yield piece
            decoder.finish()
        except DecodingError as error:
            raise CommunicationError(
                f"{where}: what came can't be read: {error}",
                status=answer.status,
                retryable=error.retryable,
                stage="encoding",
            ) from None

    async def _what_came(
        self, answer: OpenResponse, where: str, *, is_head: bool
    ) -> tuple[bytes, CloudFunctionError | None]:
        """Return what came of the body of an answer that is no success, and why that is not all: its status counts anyhow."""
        found: list[bytes] = []
        failure: CloudFunctionError
        try:
            return await self._read(answer, where, found, is_head=is_head), None
        except CloudFunctionError as error:
            failure = error
        except self._failures as error:
            failure = transport_error(error, where, is_direct=self._is_direct)
        if answer.status < 400:
            # What a redirect brings besides its headers is a note for people (RFC 9110, section 15.4).
            return b"".join(found), None
        failure = failure.reworded(f"{failure}; the status was {answer.status}")
        failure.status = answer.status
        return b"".join(found), failure

    async def _read(self, answer: OpenResponse, where: str, found: list[bytes], *, is_head: bool) -> bytes:
        """Return a body; what came of it goes into a list, too, in which it stands where the rest does not come."""
        bound = self._limits.body
        declared = answer.headers.get("Content-Length")
        if declared is not None and not is_head:
            if int(declared) > bound:
                raise self._too_large(where)
            if "Content-Encoding" not in answer.headers and "Transfer-Encoding" not in answer.headers:
                # The parser takes no more than what was declared.
                content = answer.content
                return content.read_nowait() if content.is_eof() else await content.read()
        size = 0
        async for piece in self._decoded(answer, where):
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
) -> AsyncIterator[Transport]:
    """
    Open a session for as long as the block lasts.

    :param timeouts: Connect and read; the total is the caller's to watch.
    :param limits: How much an answer may bring.
    :param tls: How certificates are checked; None as the system does.
    :param proxy: The URL of a proxy, or None.
    :param is_allowed: Whether an IP address may be talked to; None for any. A proxy's own is not asked about, and behind one
        it is the proxy that resolves names.
    """
    from airflow_provider_cloudfn.client.connector import FramingConnector
    from airflow_provider_cloudfn.client.resolver import GuardedResolver
    from airflow_provider_cloudfn.client.wire import Wire

    arguments: dict[str, Any] = {} if tls is None else {"ssl": tls}
    # Without a limit: how many requests there are at once is the caller's to say, and none should time out in a queue.
    resolver = GuardedResolver(is_allowed if proxy is None else None)
    async with FramingConnector(resolver=resolver, limit=0, **arguments) as connector:
        wire = Wire(connector, timeouts, proxy)
        yield Transport(wire, limits, is_direct=proxy is None, is_allowed=is_allowed)


def _refuse_transfer_coding(name: str) -> None:
    """Refuse what aiohttp would hand on as it is (RFC 9112, section 6.1): nobody asked for it."""
    if name.strip().lower() not in ("", "chunked", "identity"):
        raise DecodingError(
            f"its Transfer-Encoding {name[:60]!r} is none of those that were asked for", retryable=False
        )


def _ends_by_close(answer: OpenResponse) -> bool:
    """Return whether a body has neither a length nor chunks (RFC 9112, section 6.3, rule 8)."""
    return "Content-Length" not in answer.headers and "Transfer-Encoding" not in answer.headers


async def within(
    seconds: float,
    where: str,
    work: Any,
    *,
    shown_as: float | None = None,
    is_sent: Callable[[], bool] = lambda: False,
    said_by: str = "request_timeout of the task, or else total_timeout of the connection,",
) -> Any:
    """
    Wait for work, but not for longer than that.

    :param where: What the error names.
    :param work: A coroutine.
    :param shown_as: How long the error says that it was allowed to take, where `seconds` is what was left of that.
    :param is_sent: Whether the service may have got the request by then.
    :param said_by: What says how long it may take.
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
            f"{where}: took longer than {seconds_text(shown)} in all; "
            + ("the service may have taken the request all the same" if sent else "the request itself was never sent")
            + f"; {said_by} says how long it may take",
            retryable=True,
            never_sent=not sent,
        ) from None
