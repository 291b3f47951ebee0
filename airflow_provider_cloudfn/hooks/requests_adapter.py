"""
What mounts the client in a ``requests`` session, for the hooks that have to be made with it.

A stream (``stream=True``) comes from a temporary file without a name, which the client fills before the caller reads: memory
stays flat, credentials that the answer refuses are renewed first, and the same time limit holds as for any call. Reading
from the open connection instead would keep an event loop alive for as long as the caller likes, beside the one of the call.
"""

from __future__ import annotations

import datetime as dt
import io
import os
import tempfile
from collections.abc import Iterable
from contextvars import ContextVar
from http.client import HTTPMessage, responses
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from msgspec.structs import replace
from requests import Session, exceptions
from requests.adapters import BaseAdapter
from requests.cookies import extract_cookies_to_jar
from requests.models import PreparedRequest, Response
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers
from urllib3.response import HTTPResponse as RawResponse

from airflow_provider_cloudfn.client.client import run
from airflow_provider_cloudfn.client.prepared import PreparedRequest as ClientRequest
from airflow_provider_cloudfn.client.prepared import refuse_reserved_header, refuse_reserved_query
from airflow_provider_cloudfn.client.request import Sending
from airflow_provider_cloudfn.client.retry import NO_RETRY
from airflow_provider_cloudfn.client.settings import Timeouts
from airflow_provider_cloudfn.client.url import Origin, without_parameters
from airflow_provider_cloudfn.exceptions import (
    AuthenticationError,
    CloudFunctionError,
    CommunicationError,
    ConfigurationError,
    RequestTimeoutError,
    in_words,
)
from airflow_provider_cloudfn.hooks.request_options import FIELD_OF_OPTION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_cloudfn.auth.message import HttpRequest, HttpResponse
    from airflow_provider_cloudfn.client.client import Client

__all__ = ["ClientAdapter", "ClientSession"]

#: How many redirects the client follows for the request that is sent in this context.
_REDIRECTS: ContextVar[int] = ContextVar("cloudfn_redirects", default=0)

#: What the connection, or the client, sets itself.
_FRAMING: Final = frozenset({"content-length", "transfer-encoding"})
#: What no longer holds for a body that has been read and decompressed.
_READ: Final = frozenset({"content-length", "content-encoding", "transfer-encoding"})
_PROXY_REFUSED: Final = 407


class ClientSession(Session):
    """A session that leaves redirects to the client, which stays on the connection's origin with them."""

    def send(self, request: PreparedRequest, **options: Any) -> Response:
        """
        Send a request.

        :param options: As of ``requests.Session``.
        """
        before = _REDIRECTS.set(self.max_redirects if options.pop("allow_redirects", True) else 0)
        try:
            return super().send(request, allow_redirects=False, **options)
        finally:
            _REDIRECTS.reset(before)


class ClientAdapter(BaseAdapter):
    """
    Gives what a session sends to the client, and makes a ``requests.Response`` of the answer.

    What the session keeps of it, an answer's URL and request, and what an exception tells, never has credentials.

    :param client: The connection's client.
    :param conn_id: The connection, for errors.
    """

    def __init__(self, client: Client, conn_id: str) -> None:
        super().__init__()
        self._client = client
        self._conn_id = conn_id

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
        Send a request, once.

        :param request: A request without credentials.
        :param stream: Whether the answer may be of any size.
        :param timeout: Seconds to connect and of silence, as ``requests`` takes them; default the connection's. The whole call
            may take as long as both, where that is longer than the connection's ``total_timeout``.
        :param verify: Must be left as it is, and so must `cert` and `proxies`: the connection has fields for them.
        :param cert: As `verify`.
        :param proxies: As `verify`.
        :raises RequestException: what ``requests`` itself raises when there is none.
        :raises CloudFunctionError: for what ``requests`` has no error for, such as credentials that are not to be had.
        """
        for name, given in {"verify": verify is not True, "cert": cert, "proxies": proxies}.items():
            if given:
                raise ConfigurationError(f"{name}: set {FIELD_OF_OPTION[name]} of connection {self._conn_id!r} instead")
        seen: list[tuple[HttpRequest, HttpResponse | None]] = []
        file = _TemporaryFile() if stream else None
        client = replace(
            self._client,
            timeouts=_timeouts(timeout, self._client.timeouts),
            limits=replace(self._client.limits, redirects=_REDIRECTS.get()),
            on_exchange=lambda sent, answer: seen.append((sent, answer)),
        )
        prepared = self._prepared(request)
        sending = Sending(
            retry=NO_RETRY,
            sink=file,
            check_status=False,
            as_it_came=True,
            redirect_taken_by="'allow_redirects': False in extra_options",
        )
        try:
            answer = run(lambda: client.send(prepared, sending))
        except CloudFunctionError as error:
            raise _as_requests_names_it(error, request) from None
        found = [self._response(request, sent, raw) for sent, raw in seen if raw is not None]
        response = found.pop()
        response.history = found
        if file is not None and answer.stored is not None:
            response.raw = _raw(file.read(), response)
        elif not stream:
            response.content  # noqa: B018 - as of an answer that requests itself has read
        return response

    def close(self) -> None:
        """Do nothing: a call closes its connections itself."""

    def _prepared(self, request: PreparedRequest) -> ClientRequest:
        url = (request.url or "").partition("#")[0]
        origin, auth = Origin.of(url), self._client.auth
        if origin != self._client.base_url.origin:
            raise ConfigurationError(
                f"{origin.scheme}://{origin.host}:{origin.port} is another host than that of connection {self._conn_id!r}, "
                "where its credentials don't go; if that is right, make a connection with that base URL"
            )
        refuse_reserved_query(url, auth.reserved_query)
        headers = []
        for name, value in request.headers.items():
            refuse_reserved_header(name, auth.reserved_headers)
            if name.lower() not in _FRAMING:
                headers.append((name, value.decode("latin-1") if isinstance(value, bytes) else value))
        return ClientRequest(request.method or "GET", url, tuple(headers), _content(request.body))

    def _response(self, request: PreparedRequest, sent: HttpRequest, raw: HttpResponse) -> Response:
        response = Response()
        response.status_code = raw.status
        response.reason = responses.get(raw.status, "")
        response.url = sent.url
        response.request = request
        headers: list[tuple[str, str]] = []
        for name, value in raw.headers:
            # Some services redirect with the whole query, where the scheme's own parameters are.
            is_place = name.lower() == "location"
            headers.append((name, without_parameters(value, self._client.auth.reserved_query) if is_place else value))
        joined: dict[str, str] = {}
        for name, value in headers:
            joined[name.lower()] = f"{joined[name.lower()]}, {value}" if name.lower() in joined else value
        response.headers = CaseInsensitiveDict({name: joined[name.lower()] for name, _ in headers})
        response.encoding = get_encoding_from_headers(response.headers)
        response.raw = _raw(io.BytesIO(raw.content), response, headers)
        extract_cookies_to_jar(response.cookies, request, response.raw)
        return response


class _TemporaryFile:
    """A sink that leaves nothing behind, whatever becomes of the process."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - the reader of the response closes it

    def check(self) -> None:
        """Do nothing: it is open."""

    def open(self) -> BinaryIO:
        self.discard()
        return os.fdopen(os.dup(self._file.fileno()), "wb")

    def keep(self) -> None:
        """Do nothing: it is in its place."""

    def discard(self) -> None:
        self._file.seek(0)
        self._file.truncate()

    def read(self) -> Any:
        self._file.seek(0)
        return self._file


def _raw(body: Any, response: Response, headers: Sequence[tuple[str, str]] = ()) -> RawResponse:
    """Return what a session takes cookies from, and ``iter_content`` the body."""
    message = HTTPMessage()
    for name, value in headers:
        message.add_header(name, value)
    original: Any = SimpleNamespace(msg=message, isclosed=lambda: True)
    kept = {name: value for name, value in response.headers.items() if name.lower() not in _READ}
    return RawResponse(
        body=body, headers=kept, status=response.status_code, preload_content=False, original_response=original
    )


def _timeouts(timeout: Any, own: Timeouts) -> Timeouts:
    """Return how long a request may take that is given such a timeout: seconds, a pair of them, or urllib3's own."""
    pair = timeout if isinstance(timeout, (tuple, list)) else (timeout, timeout)
    if len(pair) != 2 or any(isinstance(part, (str, bytes, bool, dt.timedelta)) for part in pair):
        raise ConfigurationError(
            f"timeout: must be seconds, or a pair of them to connect and of silence, not {timeout!r}"
        )
    connect, read = (part if isinstance(part, (int, float)) else None for part in pair)
    if timeout is None or (connect, read) == (own.connect, own.read or own.total):
        return own
    both = (connect or 0.0) + (read or 0.0) if isinstance(timeout, (tuple, list)) else (connect or 0.0)
    return Timeouts(connect=connect or own.connect, read=read or own.read, total=max(own.total, both))


def _content(body: Any) -> bytes:
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, (bytes, bytearray)):
        return bytes(body)
    if not (hasattr(body, "read") or isinstance(body, Iterable)):
        raise ConfigurationError(f"data: its parts must be text or bytes, not {in_words(body)}")
    # A signature is over the whole body, and after a 401 it is sent again.
    return _content(body.read()) if hasattr(body, "read") else b"".join(_content(part) for part in body)


def _as_requests_names_it(error: CloudFunctionError, request: PreparedRequest) -> Exception:
    """Return an error as those who call ``requests`` catch it, where it has one for it."""
    kind: type[exceptions.RequestException] | None = None
    if isinstance(error, RequestTimeoutError):
        kind = exceptions.ConnectTimeout if error.never_sent else exceptions.ReadTimeout
    elif isinstance(error, CommunicationError):
        kind = _KINDS.get(error.stage)
    elif isinstance(error, AuthenticationError) and error.status == _PROXY_REFUSED:
        kind = exceptions.ProxyError
    return error if kind is None else kind(error.message, request=request)


_KINDS: Final[dict[str | None, type[exceptions.RequestException]]] = {
    None: exceptions.ConnectionError,
    "tls": exceptions.SSLError,
    "proxy": exceptions.ProxyError,
    "redirects": exceptions.TooManyRedirects,
    "answer": exceptions.ChunkedEncodingError,
    "encoding": exceptions.ContentDecodingError,
}
