"""The client: prepares a request, sends it with credentials, and makes a response or an error of the answer."""

from __future__ import annotations

import asyncio
import copy
import time
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec.structs import replace

from airflow_provider_cloudfn.auth.scheme import Auth, AuthFlow, NoAuth
from airflow_provider_cloudfn.client.attempt import Attempt, AttemptObserver, report
from airflow_provider_cloudfn.client.body import ABSENT
from airflow_provider_cloudfn.client.exchange import Exchange
from airflow_provider_cloudfn.client.prepared import PreparedRequest, prepare
from airflow_provider_cloudfn.client.redaction import Redaction
from airflow_provider_cloudfn.client.response import Response, read_response
from airflow_provider_cloudfn.client.retry import RetryPolicy, is_idempotent
from airflow_provider_cloudfn.client.running import run
from airflow_provider_cloudfn.client.settings import ResponseLimits, Timeouts
from airflow_provider_cloudfn.client.status import excerpt_of, status_error
from airflow_provider_cloudfn.client.transport import Transport, open_transport, within
from airflow_provider_cloudfn.client.url import BaseUrl
from airflow_provider_cloudfn.exceptions import CloudFunctionError

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence

    from airflow_provider_cloudfn.auth.message import HttpRequest
    from airflow_provider_cloudfn.client.body import FilePart
    from airflow_provider_cloudfn.client.query import ListStyle, QueryValues
    from airflow_provider_cloudfn.client.sink import ResponseSink

__all__ = ["Client", "run"]

T = TypeVar("T")


class Client:
    """
    Calls one service.

    :param base_url: Where it is.
    :param auth: What puts credentials on a request.
    :param timeouts: How long a request may take.
    :param limits: How much an answer may bring.
    :param tls: How certificates are checked; None as the system does.
    :param proxy: The URL of a proxy, or None.
    :param on_secret: Told every secret that is obtained on the way, before it is used.
    :param retry: When a request is sent again within a call; see :data:`~airflow_provider_cloudfn.client.retry.NO_RETRY`.
    :param is_allowed: Whether an IP address may be talked to; asked before a connection is made. None for any.
    :param secret_values: What :func:`~airflow_provider_cloudfn.client.secret.secret` stands for in a request.
    :param secrets: What else must not be seen, such as a proxy's password.
    :param on_attempt: Told what came of each attempt.
    :param headers_for_attempt: Returns what an attempt sends besides, by its number from 1: such as ``traceparent``.
    """

    def __init__(
        self,
        *,
        base_url: BaseUrl | str,
        auth: Auth | None = None,
        timeouts: Timeouts | None = None,
        limits: ResponseLimits | None = None,
        tls: ssl.SSLContext | None = None,
        proxy: str | None = None,
        on_secret: Callable[[str], object] | None = None,
        retry: RetryPolicy | None = None,
        is_allowed: Callable[[str], bool] | None = None,
        secret_values: Mapping[str, str] | None = None,
        secrets: Iterable[str] = (),
        on_attempt: AttemptObserver | None = None,
        headers_for_attempt: Callable[[int], Mapping[str, str]] | None = None,
    ) -> None:
        self._base_url = BaseUrl.parse(base_url) if isinstance(base_url, str) else base_url
        self._auth = NoAuth() if auth is None else auth
        self._timeouts = Timeouts() if timeouts is None else timeouts
        self._limits = ResponseLimits() if limits is None else limits
        self._tls = tls
        self._proxy = proxy
        self._on_secret = on_secret
        self._retry = RetryPolicy() if retry is None else retry
        self._is_allowed = is_allowed
        self._secret_values = dict(secret_values or {})
        self._secrets = tuple(secrets)
        self._on_attempt = on_attempt
        self._headers_for_attempt = headers_for_attempt
        self._told: set[str] = set(self._auth.secrets())
        self._transport: Transport | None = None
        self._redaction_of: tuple[tuple[str, ...], Redaction] | None = None
        self._sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
        self._trace_configs: tuple[Any, ...] = ()

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Client]:
        """
        Return a client that keeps connections open for as long as the block lasts: for several requests in one event loop.

        This one stays as it is, so that other threads, with event loops of their own, can go on using it.
        """
        async with self._open_new() as transport:
            yield self.replacing(transport=transport, trace_configs=self._trace_configs)

    @property
    def auth(self) -> Auth:
        """What puts credentials on a request."""
        return self._auth

    @property
    def tls(self) -> ssl.SSLContext | None:
        """How certificates are checked; None as the system does."""
        return self._tls

    def replacing(
        self,
        *,
        transport: Transport | None = None,
        auth: Auth | None = None,
        on_attempt: AttemptObserver | None = None,
        sleep: Callable[[float], Awaitable[object]] | None = None,
        tls: ssl.SSLContext | None = None,
        trace_configs: Sequence[Any] = (),
    ) -> Client:
        """
        Return a client of the same service in which some parts are others, as a rehearsal needs it.

        :param transport: What sends, such as a script; the caller opens and closes it.
        :param auth: What puts credentials on a request.
        :param on_attempt: Told what came of each attempt.
        :param sleep: What waits between attempts.
        :param tls: How certificates are checked.
        :param trace_configs: aiohttp's, for the sessions that the client opens.
        """
        other = copy.copy(self)
        other._transport = transport
        other._auth = auth or self._auth
        other._on_attempt = on_attempt or self._on_attempt
        other._sleep = sleep or self._sleep
        other._tls = tls or self._tls
        other._trace_configs = tuple(trace_configs)
        return other

    def prepare(
        self,
        method: str,
        uri: str,
        *,
        query: QueryValues | None = None,
        headers: Mapping[str, Any] | None = None,
        json: object = ABSENT,
        data: object = None,
        files: Mapping[str, FilePart | Sequence[FilePart]] | None = None,
        list_style: ListStyle = "repeat",
        compress: bool = False,
    ) -> PreparedRequest:
        """
        Make a request of plain values, without any network. See :func:`~airflow_provider_cloudfn.client.prepared.prepare`.

        :param method: The method.
        :param uri: The path below the base URL, perhaps with a query.
        :param query: Names and values; a list is written as `list_style` says, None leaves a value out.
        :param headers: Names and values; None leaves one out.
        :param json: A value to send as JSON.
        :param data: Bytes or text to send as they are, or a map to send as a form.
        :param files: Files of a form, whose other fields `data` holds.
        :param list_style: How lists are written: ``repeat``, ``brackets`` or ``comma``.
        :param compress: Whether a large body is sent compressed.
        :raises ConfigurationError: for what can't be sent.
        """
        return prepare(
            self._base_url,
            self._auth,
            method,
            uri,
            query=query,
            headers=headers,
            json=json,
            data=data,
            files=files,
            list_style=list_style,
            compress=compress,
        )

    async def request(
        self,
        method: str,
        uri: str,
        *,
        timeout: float | None = None,
        check_status: bool = True,
        retry: RetryPolicy | None = None,
        idempotent: bool | None = None,
        sink: ResponseSink | None = None,
        **parts: Any,
    ) -> Response:
        """
        Make a call.

        :param method: The method.
        :param uri: The path below the base URL, perhaps with a query.
        :param timeout: As of :meth:`send`, and so are those up to `sink`.
        :param parts: The rest of the request, as :meth:`prepare` takes it.
        :raises CloudFunctionError: one of the tree, by what must be done about it.
        """
        return await self.send(
            self.prepare(method, uri, **parts),
            timeout=timeout,
            check_status=check_status,
            retry=retry,
            idempotent=idempotent,
            sink=sink,
        )

    async def send(
        self,
        prepared: PreparedRequest,
        *,
        timeout: float | None = None,
        check_status: bool = True,
        retry: RetryPolicy | None = None,
        idempotent: bool | None = None,
        sink: ResponseSink | None = None,
    ) -> Response:
        """
        Send what was prepared, again where that can help.

        :param prepared: The request.
        :param timeout: Seconds for the whole call, all attempts and the waits between them; default as the client's.
        :param check_status: Raise an error for a status other than 2xx.
        :param retry: When it is sent again; default as the client's.
        :param idempotent: Whether sending it twice does no more than sending it once; default by its method and headers.
        :param sink: Where the body of a success goes, instead of into memory.
        :raises CloudFunctionError: one of the tree, by what must be done about it.
        """
        total = self._timeouts.total if timeout is None else Timeouts(total=timeout).total
        policy = self._retry if retry is None else retry
        repeatable = is_idempotent(prepared) if idempotent is None else idempotent
        request = prepared.filled(self._secret_values).as_http()
        begun = time.monotonic()
        number = 0
        carried_out = False
        async with self._open() as transport:
            while True:
                number += 1
                before = time.monotonic() - begun
                outcome, done, goes_on = await self._attempt(
                    request, transport, number, total - before, sink, total, carried_out=carried_out
                )
                if goes_on is not None:
                    request, carried_out, repeatable = goes_on, True, True
                spent = time.monotonic() - begun
                wait = None
                try:
                    if policy.wants(outcome, idempotent=repeatable):
                        # Cut short, nobody would know what became of it: it is given as long as it took.
                        least = 0.0 if repeatable else spent - before
                        wait = policy.wait(outcome, number, left=min(policy.total, total - least) - spent)
                finally:
                    report(replace(done, next_in=wait), self._on_attempt)
                if wait is None:
                    break
                await self._sleep(wait)
        if isinstance(outcome, CloudFunctionError):
            if carried_out:
                outcome.never_sent = False
            raise outcome
        if check_status and not outcome.ok:
            raise self.failure(prepared.method, outcome)
        return outcome

    async def _attempt(
        self,
        request: HttpRequest,
        transport: Transport,
        number: int,
        left: float,
        sink: ResponseSink | None,
        total: float,
        *,
        carried_out: bool,
    ) -> tuple[Response | CloudFunctionError, Attempt, HttpRequest | None]:
        """Return what came of an attempt, its record, and what gets the result where a redirect said that it is done."""
        more = self._headers_for_attempt(number) if self._headers_for_attempt is not None else None
        exchange = self._exchange(transport, headers=more, sink=sink, seconds=left)
        shown = self._redaction().url(request.url)
        attempt = Attempt(number, request.method, shown, time.time(), sent=len(request.body))
        begun = time.monotonic()
        outcome: Response | CloudFunctionError
        try:
            where = f"{request.method} {shown}"
            url, raw = await within(
                max(left, 0.001),
                where,
                exchange.send(request),
                shown_as=total,
                is_sent=lambda: carried_out or exchange.is_sent,
            )
            answered = shown if url == request.url else self._redaction().url(url)
            outcome = read_response(raw, answered, exchange.stored)
        except CloudFunctionError as error:
            outcome = self._redacted(error)
        except BaseException as error:
            # Cancelled, as by the task's own time limit: nobody knows what became of it, so all the more it is told.
            kind, duration = type(error).__name__, time.monotonic() - begun
            unknown = replace(attempt, duration=duration, error=kind, error_type=kind)
            report(replace(unknown, token_requests=exchange.token_requests), self._on_attempt)
            raise
        shown_id = outcome.request_id and self._redaction().text(outcome.request_id)
        done = attempt.ended(outcome, time.monotonic() - begun, request_id=shown_id, tokens=exchange.token_requests)
        return outcome, done, exchange.goes_on

    def failure(self, method: str, response: Response) -> CloudFunctionError:
        """
        Return the error that an answer is whose status is no success.

        :param method: The request's method.
        :param response: The answer.
        """
        return status_error(method, response, self._redaction())

    def excerpt(self, response: Response) -> str:
        """
        Return the beginning of an answer's body, on one line and without secrets, as errors show it.

        :param response: The answer.
        """
        return excerpt_of(response, self._redaction())

    async def obtain_credentials(self, flow: AuthFlow) -> None:
        """
        Drive a flow that is about credentials alone, such as the test of a connection.

        :param flow: Yields requests, and is sent their responses.
        :raises CloudFunctionError: when there are none to be had.
        """
        async with self._open() as transport:
            exchange = self._exchange(transport, seconds=self._timeouts.total)
            try:
                await within(self._timeouts.total, "the request for credentials", exchange.drive(flow))
            except CloudFunctionError as error:
                raise self._redacted(error) from None

    def request_sync(self, method: str, uri: str, **arguments: Any) -> Response:
        """
        Make a call from where no event loop runs. See :meth:`request`.

        :param method: The method.
        :param uri: The path below the base URL.
        :param arguments: As :meth:`request` takes them.
        """
        return run(lambda: self.request(method, uri, **arguments))

    def _exchange(self, transport: Transport, **settings: Any) -> Exchange:
        return Exchange(
            transport,
            self._auth,
            self._base_url.origin,
            redirects=self._limits.redirects,
            tell_secrets=self._tell_secrets,
            **settings,
        )

    def _open(self) -> AbstractAsyncContextManager[Transport]:
        return self._open_new() if self._transport is None else nullcontext(self._transport)

    def _open_new(self) -> AbstractAsyncContextManager[Transport]:
        return open_transport(
            self._timeouts,
            self._limits,
            tls=self._tls,
            proxy=self._proxy,
            is_allowed=self._is_allowed,
            trace_configs=self._trace_configs,
        )

    def _tell_secrets(self) -> None:
        for secret in self._auth.secrets():
            if secret not in self._told:
                self._told.add(secret)
                if self._on_secret is not None:
                    self._on_secret(secret)

    def _redaction(self) -> Redaction:
        secrets = (*self._auth.secrets(), *self._secret_values.values(), *self._secrets)
        if self._redaction_of is None or self._redaction_of[0] != secrets:
            self._redaction_of = secrets, Redaction(secrets, self._auth.reserved_query)
        return self._redaction_of[1]

    def _redacted(self, error: CloudFunctionError) -> CloudFunctionError:
        error.request_id = error.request_id and self._redaction().text(error.request_id)
        return error.reworded(self._redaction().text(error.message))
