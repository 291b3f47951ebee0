"""A request and a response as they go over the wire: what an auth scheme sees."""

from __future__ import annotations

from typing import ClassVar, Final, Literal, TypeAlias, get_args
from urllib.parse import quote, urlsplit, urlunsplit

from msgspec.structs import replace

from airflow_provider_cloudfn.auth.redacted import Redacted

__all__ = ["METHODS", "METHODS_WITHOUT_BODY", "HttpRequest", "HttpResponse", "Method"]

Method: TypeAlias = Literal["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"]

#: The methods that a request can have.
METHODS: Final[tuple[Method, ...]] = get_args(Method)
#: Without a body, these need not say that they have none (RFC 9110, section 8.6).
METHODS_WITHOUT_BODY: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class HttpRequest(Redacted, frozen=True):
    """
    A request, ready to be sent.

    :param method: Such as ``POST``.
    :param url: The whole URL, percent-encoded.
    :param headers: Names and values, in their order.
    :param body: The bytes of the body.
    """

    _hidden: ClassVar = frozenset({"url", "headers", "body"})

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """
        Return a header's value, or None.

        :param name: In any case.
        """
        return _header(self.headers, name)

    def with_header(self, name: str, value: str) -> HttpRequest:
        """
        Return the request with a header, in the place of any other of that name.

        :param name: The header's name.
        """
        lower = name.lower()
        kept = [pair for pair in self.headers if pair[0].lower() != lower]
        return HttpRequest(self.method, self.url, (*kept, (name, value)), self.body)

    def with_query(self, name: str, value: str) -> HttpRequest:
        """
        Return the request with one more parameter at the end of its query.

        :param name: The parameter's name, as text.
        :param value: Its value, as text.
        """
        parts = urlsplit(self.url)
        pair = f"{quote(name, safe='')}={quote(value, safe='')}"
        return replace(self, url=urlunsplit(parts._replace(query=f"{parts.query}&{pair}" if parts.query else pair)))

    def __repr__(self) -> str:
        parts = urlsplit(self.url)
        names = ", ".join(name for name, _ in self.headers)
        address = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        return f"<HttpRequest {self.method} {address} headers: {names or 'none'}; {len(self.body)} bytes>"


class HttpResponse(Redacted, frozen=True):
    """
    An answer, read to its end.

    :param status: The status code.
    :param headers: Names and values, in their order.
    :param content: The bytes of the body, decompressed.
    :param ends_by_close: Whether nothing but the end of the connection says where the body ends, so that nobody knows
        whether it is whole.
    :param cut_short: Why not all of its body came, or could be read; None where it is whole. Only an answer that is no success is
        one all the same.
    """

    _hidden: ClassVar = frozenset({"headers", "content", "cut_short"})

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    content: bytes = b""
    ends_by_close: bool = False
    cut_short: Exception | None = None

    def header(self, name: str) -> str | None:
        """
        Return a header's first value, or None.

        :param name: In any case.
        """
        return _header(self.headers, name)

    def __repr__(self) -> str:
        return f"<HttpResponse {self.status}; {len(self.content)} bytes>"


def _header(headers: tuple[tuple[str, str], ...], name: str) -> str | None:
    wanted = name.lower()
    return next((value for key, value in headers if key.lower() == wanted), None)
