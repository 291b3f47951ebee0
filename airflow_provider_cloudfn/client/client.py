"""The client: prepares a request, sends it with credentials, and makes a response or an error of the answer."""

from __future__ import annotations

import asyncio
import copy
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urljoin

from airflow_provider_cloudfn.auth.message import HttpRequest, HttpResponse
from airflow_provider_cloudfn.auth.scheme import Auth, AuthFlow, NoAuth
from airflow_provider_cloudfn.client.prepared import ABSENT, PreparedRequest, QueryValues, prepare
from airflow_provider_cloudfn.client.redaction import Redaction
from airflow_provider_cloudfn.client.response import Response, read_response
from airflow_provider_cloudfn.client.settings import ResponseLimits, Timeouts
from airflow_provider_cloudfn.client.status import status_error
from airflow_provider_cloudfn.client.transport import Transport, open_transport, within
from airflow_provider_cloudfn.client.url import BaseUrl, Origin
from airflow_provider_cloudfn.exceptions import CloudFunctionError, CommunicationError, ConfigurationError

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable, Coroutine, Mapping

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
    ) -> None:
        self._base_url = BaseUrl.parse(base_url) if isinstance(base_url, str) else base_url
        self._auth = NoAuth() if auth is None else auth
        self._timeouts = Timeouts() if timeouts is None else timeouts
        self._limits = ResponseLimits() if limits is None else limits
        self._tls = tls
        self._proxy = proxy
        self._on_secret = on_secret
        self._told: set[str] = set(self._auth.secrets())
        self._transport: Transport | None = None

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Client]:
        """Keep connections open for as long as the block lasts: for several requests in one event loop."""
        async with open_transport(self._timeouts, self._limits, tls=self._tls, proxy=self._proxy) as transport:
            before, self._transport = self._transport, transport
            try:
                yield self
            finally:
                self._transport = before

    @property
    def auth(self) -> Auth:
        """What puts credentials on a request."""
        return self._auth

    def over(self, transport: Transport, *, auth: Auth | None = None) -> Client:
        """
        Return a client of the same service that sends over another transport, such as a scripted one.

        :param transport: What sends; the caller opens and closes it.
        :param auth: What puts credentials on a request instead, or None for the same.
        """
        other = copy.copy(self)
        other._transport = transport
        other._auth = self._auth if auth is None else auth
        return other

    def prepare(
        self,
        method: str,
        uri: str,
        *,
        query: QueryValues | None = None,
        headers: Mapping[str, str] | None = None,
        json: object = ABSENT,
        data: object = None,
    ) -> PreparedRequest:
        """
        Make a request of plain values, without any network. See :func:`~airflow_provider_cloudfn.client.prepared.prepare`.

        :param method: The method.
        :param uri: The path below the base URL, perhaps with a query.
        :param query: Names and values; a list repeats its name, None leaves it out.
        :param headers: Names and values; None leaves one out.
        :param json: A value to send as JSON.
        :param data: Bytes or text to send as they are, or a map to send as a form.
        :raises ConfigurationError: for what can't be sent.
        """
        return prepare(self._base_url, self._auth, method, uri, query=query, headers=headers, json=json, data=data)

    async def request(
        self,
        method: str,
        uri: str,
        *,
        query: QueryValues | None = None,
        headers: Mapping[str, str] | None = None,
        json: object = ABSENT,
        data: object = None,
        timeout: float | None = None,
        check_status: bool = True,
    ) -> Response:
        """
        Make a call.

        :param method: The method.
        :param uri: The path below the base URL, perhaps with a query.
        :param query: Names and values; a list repeats its name, None leaves it out.
        :param headers: Names and values; None leaves one out.
        :param json: A value to send as JSON.
        :param data: Bytes or text to send as they are, or a map to send as a form.
        :param timeout: Seconds for the whole call; default as the client's.
        :param check_status: Raise an error for a status other than 2xx.
        :raises CloudFunctionError: one of the tree, by what must be done about it.
        """
        prepared = self.prepare(method, uri, query=query, headers=headers, json=json, data=data)
        return await self.send(prepared, timeout=timeout, check_status=check_status)

    async def send(
        self, prepared: PreparedRequest, *, timeout: float | None = None, check_status: bool = True
    ) -> Response:
        """
        Send what was prepared.

        :param prepared: The request.
        :param timeout: Seconds for the whole call; default as the client's.
        :param check_status: Raise an error for a status other than 2xx.
        :raises CloudFunctionError: one of the tree, by what must be done about it.
        """
        total = self._timeouts.total if timeout is None else Timeouts(total=timeout).total
        shown = self._redaction().url(prepared.url)
        try:
            url, raw = await within(total, f"{prepared.method} {shown}", self._with_transport(prepared))
            redaction = self._redaction()
            response = read_response(raw, redaction.url(url))
        except CloudFunctionError as error:
            raise self._redacted(error) from None
        if check_status and not response.ok:
            raise status_error(prepared.method, response, redaction)
        return response

    async def obtain_credentials(self, flow: AuthFlow) -> None:
        """
        Drive a flow that is about credentials alone, such as the test of a connection.

        :param flow: Yields requests, and is sent their responses.
        :raises CloudFunctionError: when there are none to be had.
        """
        async with self._open() as transport:
            await within(self._timeouts.total, "the request for credentials", self._drive(flow, transport))

    def request_sync(self, method: str, uri: str, **arguments: Any) -> Response:
        """
        Make a call from where no event loop runs. See :meth:`request`.

        :param method: The method.
        :param uri: The path below the base URL.
        :param arguments: As :meth:`request` takes them.
        """
        return run(lambda: self.request(method, uri, **arguments))

    async def _with_transport(self, prepared: PreparedRequest) -> tuple[str, HttpResponse]:
        async with self._open() as transport:
            request = prepared.as_http()
            for _ in range(self._limits.redirects + 1):
                raw = await self._drive(self._auth.flow(request), transport)
                following = self._redirected(request, raw)
                if following is None:
                    return request.url, raw
                request = following
        raise CommunicationError(
            f"{prepared.method} {prepared.url}: redirected more than {self._limits.redirects} times; check the uri"
        )

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Transport]:
        if self._transport is not None:
            yield self._transport
            return
        async with open_transport(self._timeouts, self._limits, tls=self._tls, proxy=self._proxy) as transport:
            yield transport

    async def _drive(self, flow: AuthFlow, transport: Transport) -> HttpResponse:
        """Send what an auth scheme yields, and return the answer to the last of it."""
        try:
            request = next(flow)
            while True:
                self._tell_secrets()
                response = await transport.send(request)
                try:
                    request = flow.send(response)
                except StopIteration:
                    return response
        finally:
            self._tell_secrets()
            flow.close()

    def _redirected(self, request: HttpRequest, raw: HttpResponse) -> HttpRequest | None:
        """Return the request that a redirect asks for (RFC 9110, section 15.4), which must stay within the origin."""
        location = raw.header("location")
        if raw.status not in (301, 302, 303, 307, 308) or location is None:
            return None
        url = urljoin(request.url, location).partition("#")[0]
        try:
            origin = Origin.of(url)
        except ConfigurationError:
            origin = None
        if origin != self._base_url.origin:
            raise CommunicationError(
                f"{request.method} {request.url} was redirected to another host"
                + (f" ({origin.scheme}://{origin.host}:{origin.port})" if origin else "")
                + "; credentials stay where the connection says, so this is not followed: if it is right, "
                "make a connection with that base URL",
                status=raw.status,
            )
        if raw.status == 303 or (raw.status in (301, 302) and request.method == "POST"):
            method = "HEAD" if request.method == "HEAD" else "GET"
            kept = tuple(pair for pair in request.headers if not pair[0].lower().startswith("content-"))
            return HttpRequest(method, url, kept)
        return HttpRequest(request.method, url, request.headers, request.body)

    def _tell_secrets(self) -> None:
        for secret in self._auth.secrets():
            if secret not in self._told:
                self._told.add(secret)
                if self._on_secret is not None:
                    self._on_secret(secret)

    def _redaction(self) -> Redaction:
        return Redaction(self._auth.secrets(), self._auth.reserved_query)

    def _redacted(self, error: CloudFunctionError) -> CloudFunctionError:
        error.message = self._redaction().text(error.message)
        error.args = (error.message,)
        return error


def run(start: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """
    Run a coroutine to its end in an event loop of its own.

    :param start: Makes the coroutine.
    :raises RuntimeError: where an event loop runs already.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(start())
    raise RuntimeError("an event loop runs here already: use arequest, or astart, and await it")
