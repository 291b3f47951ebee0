"""Authentication, origin and addresses for ``requests``, for the hooks that have to be made with it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from requests.adapters import BaseAdapter, HTTPAdapter
from requests.exceptions import RequestException
from requests.models import PreparedRequest, Response
from requests.structures import CaseInsensitiveDict
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from airflow_provider_cloudfn.auth.message import HttpRequest, HttpResponse
from airflow_provider_cloudfn.client.redaction import Redaction
from airflow_provider_cloudfn.client.resolver import refuse_host
from airflow_provider_cloudfn.client.settings import ResponseLimits, Timeouts
from airflow_provider_cloudfn.client.turns import take_turn_sync
from airflow_provider_cloudfn.client.url import Origin, without_parameters
from airflow_provider_cloudfn.exceptions import CloudFunctionError, CommunicationError, ConfigurationError
from airflow_provider_cloudfn.hooks.requests_bounds import Deadline, bounded_pools, read_within

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable

    from airflow_provider_cloudfn.auth.scheme import Auth, AuthSteps

__all__ = ["AuthenticatingAdapter", "TransportAdapter"]


class AuthenticatingAdapter(BaseAdapter):
    """
    Puts a connection's credentials on what a session sends, at the last moment and on the connection's origin only.

    What the session keeps of it, an answer's URL and request, and what an exception tells, never has credentials.

    :param inner: Sends the requests.
    :param auth: Puts credentials on them.
    :param base_url: The address whose scheme, host and port no request leaves.
    :param on_secret: Is told each secret that the scheme obtains.
    :param timeouts: How long a request may take in all, credentials included; one that is given a longer timeout has that. Of a
        stream only what comes before its body is bounded.
    :param limits: How large an answer may be, unless it is asked for as a stream.
    :param secrets: What else no error may tell, such as a proxy's password.
    """

    def __init__(
        self,
        inner: BaseAdapter,
        *,
        auth: Auth,
        base_url: str,
        on_secret: Callable[[str], object],
        timeouts: Timeouts | None = None,
        limits: ResponseLimits | None = None,
        secrets: Iterable[str] = (),
    ) -> None:
        super().__init__()
        self._timeouts = timeouts or Timeouts()
        self._limits = limits or ResponseLimits()
        self._inner = inner
        self._auth = auth
        self._origin = Origin.of(base_url)
        self._on_secret = on_secret
        self._secrets = tuple(secrets)
        self._told = set(auth.secrets())

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> Response:
        """
        Send a request with credentials, and as often as the scheme asks for it.

        :param request: A request without credentials.
        :param stream: Whether the answer's body is left to the caller to read.
        :param timeout: Seconds to connect and of silence, as ``requests`` takes them; default the connection's.
        :param verify: The session's setting, and so are the others.
        :raises CommunicationError: when it would leave the origin, which only a redirect can make it do.
        :raises ConfigurationError: when it has a header or a query parameter that is the connection's.
        :raises LimitError: when the answer is larger than allowed.
        """
        url = request.url or ""
        self._stay_on_origin(url)
        self._refuse_what_is_the_connection_s(request)
        total, own = self._timeouts.total, (self._timeouts.connect, self._timeouts.read or self._timeouts.total)
        if timeout is None or timeout == own:
            timeout = own
        else:
            total = max(total, _longest(timeout))
        deadline = Deadline(total)

        def fetch(outgoing: HttpRequest) -> Response:
            # A stream is not read here; an answer of a token endpoint always is.
            is_left = stream and urlsplit(outgoing.url)[:3] == urlsplit(url)[:3]
            response = self._inner.send(_prepared(outgoing), is_left, timeout, verify, cert, proxies)
            if deadline.is_over.is_set():
                response.close()
            elif not is_left:
                read_within(response, self._limits.body, deadline)
            return response

        try:
            response = self._drive(self._auth.steps(_message(request)), deadline, fetch)
        except RequestException as error:
            # Its text quotes the URL, where the API key may be, and it holds the request with all of its headers.
            raise type(error)(self._redaction().text(str(error)), request=request) from None
        except CloudFunctionError as error:
            # A token endpoint's answer, or a proxy's in its place, is quoted.
            raise error.reworded(self._redaction().text(error.message)) from None
        response.request = request
        response.url = url
        if response.is_redirect:
            self._free_redirect_of_what_is_the_connection_s(response)
        return response

    def close(self) -> None:
        """Close the connections that are kept alive."""
        self._inner.close()

    def _drive(self, steps: AuthSteps, deadline: Deadline, fetch: Callable[[HttpRequest], Response]) -> Response:
        """Return the answer to the last request that the scheme yields."""
        try:
            step = next(steps)
            while True:
                self._tell_secrets()
                if not isinstance(step, HttpRequest):
                    # A part of the time is kept for a token request of one's own.
                    take_turn_sync(step, deadline.left / 2)
                    step = steps.send(None)
                    continue
                response = deadline.keep(partial(fetch, step))
                try:
                    step = steps.send(_answer(response))
                except StopIteration:
                    return response
                response.close()
        finally:
            self._tell_secrets()
            steps.close()

    def _redaction(self) -> Redaction:
        return Redaction((*self._auth.secrets(), *self._secrets), self._auth.reserved_query)

    def _stay_on_origin(self, url: str) -> None:
        origin = Origin.of(url)
        if origin != self._origin:
            raise CommunicationError(
                f"the service redirects to {origin.scheme}://{origin.host}:{origin.port}, another host, where this "
                "connection's credentials don't go; if that is right, make a connection with that base URL"
            )

    def _refuse_what_is_the_connection_s(self, request: PreparedRequest) -> None:
        for name in request.headers:
            if name.lower() in self._auth.reserved_headers:
                raise ConfigurationError(f"header {name!r} is set by the connection's authentication: leave it out")
        for name, _ in parse_qsl(urlsplit(request.url or "").query, keep_blank_values=True):
            if name in self._auth.reserved_query:
                raise ConfigurationError(f"parameter {name!r} is set by the connection's authentication: leave it out")

    def _free_redirect_of_what_is_the_connection_s(self, response: Response) -> None:
        """Take the scheme's parameters off a redirect: some services repeat the whole query, and the scheme sets them again."""
        location = response.headers["Location"].partition("#")[0]
        freed = without_parameters(location, self._auth.reserved_query)
        if freed != location:
            # An empty reference would be the URL with its query.
            response.headers["Location"] = freed or urlsplit(response.url).path

    def _tell_secrets(self) -> None:
        for secret in self._auth.secrets():
            if secret not in self._told:
                self._told.add(secret)
                self._on_secret(secret)


class TransportAdapter(HTTPAdapter):
    """
    Sends requests with a connection's TLS settings, to allowed addresses only.

    :param ssl_context: TLS settings, instead of the session's.
    :param is_allowed: Whether an IP address may be talked to; not asked for a proxy's. Behind one it is the proxy that resolves
        names, and only an address that stands in the URL itself is judged.
    :param socket_options: What is set on each socket, such as TCP keep-alive; None for urllib3's own.
    """

    def __init__(
        self,
        *,
        ssl_context: ssl.SSLContext | None,
        is_allowed: Callable[[str], bool],
        socket_options: list[tuple[int, int, int]] | None = None,
    ) -> None:
        self._ssl_context = ssl_context
        self._is_allowed = is_allowed
        self._socket_options = socket_options
        super().__init__()

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        """
        Send a request, unless its URL names an address that may not be talked to.

        :param request: The request.
        :param args: As of ``HTTPAdapter``.
        :param kwargs: As of ``HTTPAdapter``.
        :raises ConfigurationError: for such an address.
        """
        refuse_host(urlsplit(request.url or "").hostname or "", self._is_allowed)
        return super().send(request, *args, **kwargs)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools, whose connections look at whom they have reached before they say anything."""
        if self._socket_options is not None:
            kwargs["socket_options"] = self._socket_options
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = bounded_pools(_guarded_pools(self._is_allowed))

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """
        Return the pools of a proxy, through which the service's certificate is checked in the same way.

        :param proxy: The proxy's URL.
        """
        if self._ssl_context is not None:
            kwargs["ssl_context"] = self._ssl_context
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = bounded_pools(manager.pool_classes_by_scheme)
        return manager

    def build_connection_pool_key_attributes(
        self, request: PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """
        Return what a connection is made with; own TLS settings replace those of the session.

        :param request: What is to be sent.
        :param verify: The session's setting.
        :param cert: The session's setting.
        """
        if self._ssl_context is None:
            return super().build_connection_pool_key_attributes(request, verify, cert)
        host, _ = super().build_connection_pool_key_attributes(request, True, None)
        return host, {"ssl_context": self._ssl_context, "cert_reqs": "CERT_REQUIRED"}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """
        Leave own TLS settings alone: the default adds the certificate authorities that come with requests.

        :param conn: The pool.
        :param url: The request's.
        :param verify: The session's setting.
        :param cert: The session's setting.
        """
        if self._ssl_context is None:
            super().cert_verify(conn, url, verify, cert)


def _guarded_pools(is_allowed: Callable[[str], bool]) -> dict[str, type[HTTPConnectionPool]]:
    def look(connected: Any) -> Any:
        address = connected.getpeername()[0]
        if not is_allowed(address):
            connected.close()
            raise ConfigurationError(
                f"the connection's host leads to {address}, which its address_guard refuses; if it is meant, set "
                "address_guard to 'off'"
            )
        return connected

    class GuardedHTTPConnection(HTTPConnection):
        def _new_conn(self) -> Any:
            return look(super()._new_conn())

    class GuardedHTTPSConnection(HTTPSConnection):
        def _new_conn(self) -> Any:
            return look(super()._new_conn())

    class GuardedHTTPPool(HTTPConnectionPool):
        ConnectionCls = GuardedHTTPConnection

    class GuardedHTTPSPool(HTTPSConnectionPool):
        ConnectionCls = GuardedHTTPSConnection

    return {"http": GuardedHTTPPool, "https": GuardedHTTPSPool}


def _longest(timeout: Any) -> float:
    """Return how long a request may take that is given such a timeout: seconds, a pair of them, or urllib3's own."""
    parts = timeout if isinstance(timeout, (tuple, list)) else (timeout,)
    return float(sum(part for part in parts if isinstance(part, (int, float))))


def _message(request: PreparedRequest) -> HttpRequest:
    headers = tuple(
        (name, value.decode("latin-1") if isinstance(value, bytes) else value)
        for name, value in request.headers.items()
        if name.lower() not in ("content-length", "transfer-encoding")
    )
    return HttpRequest(request.method or "GET", request.url or "", headers, _content(request.body))


def _answer(response: Response) -> HttpResponse:
    # Of a stream nothing was read.
    content = response.content if response._content_consumed else b""
    return HttpResponse(response.status_code, tuple(response.headers.items()), content)


def _content(body: Any) -> bytes:
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, (bytes, bytearray)):
        return bytes(body)
    # A signature is over the whole body, and after a 401 it is sent again.
    return _content(body.read()) if hasattr(body, "read") else b"".join(_content(part) for part in body)


def _prepared(message: HttpRequest) -> PreparedRequest:
    prepared = PreparedRequest()
    prepared.method = message.method
    prepared.url = message.url
    prepared.headers = CaseInsensitiveDict(message.headers)
    prepared.body = message.body or None
    prepared.prepare_content_length(prepared.body)
    return prepared
