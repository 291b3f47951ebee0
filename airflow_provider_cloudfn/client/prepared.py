"""A request as it will be sent, before credentials: made of plain values, without any network."""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import parse_qsl, quote, urlsplit

from msgspec.structs import replace

from airflow_provider_cloudfn.auth.header_fields import PROTOCOL_HEADERS, is_token
from airflow_provider_cloudfn.auth.message import HttpRequest
from airflow_provider_cloudfn.auth.redacted import Redacted
from airflow_provider_cloudfn.client.body import Form, Raw, make_body
from airflow_provider_cloudfn.client.charset import charset_to_send
from airflow_provider_cloudfn.client.query import query_pairs, scalar_text
from airflow_provider_cloudfn.client.request import METHODS, Request
from airflow_provider_cloudfn.client.secret import HIDDEN, fill_secrets, has_secrets, looked_up
from airflow_provider_cloudfn.exceptions import ConfigurationError, in_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_cloudfn.auth.scheme import Auth
    from airflow_provider_cloudfn.client.body import Body
    from airflow_provider_cloudfn.client.url import BaseUrl

__all__ = [
    "HeaderError",
    "PreparedRequest",
    "own_headers",
    "prepare",
    "refuse_reserved_header",
    "refuse_reserved_query",
]

#: What is smaller than this is not worth compressing.
COMPRESSED_FROM = 1024
#: Characters of an XML document within which it says how it is encoded.
_BEGINNING = 1024
#: What a body can be that is sent.
_COMPRESSIONS = frozenset({"br", "compress", "deflate", "gzip", "x-gzip", "zstd"})
#: Latin-1 without its control characters, but for the tab (RFC 9110, section 5.5).
_HEADER_TEXT = re.compile(r"[\t -~\xa0-\xff]*")


class HeaderError(ConfigurationError):
    """
    A header can't be sent.

    :param name: Its name; None where that itself is wrong.
    :param problem: What is wrong, and what to do.
    """

    def __init__(self, name: str | None, problem: str) -> None:
        super().__init__(f"headers: {problem}" if name is None else f'headers["{name}"]: {problem}')
        self.name = name
        self.problem = problem


class PreparedRequest(Redacted, frozen=True):
    """
    A request as it will be sent, before credentials; a secret inside it is shown as ``***``.

    :param method: The method.
    :param url: The whole URL.
    :param headers: Names and values, in their order.
    :param body: The bytes of the body.
    :param compress: Whether the body is compressed at sending, if it is large enough.
    :param recipe: Makes the request with its secrets filled in; None where it has none.
    """

    _hidden: ClassVar = frozenset({"body", "recipe"})

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    compress: bool = False
    recipe: Callable[[Callable[[str], str]], PreparedRequest] | None = None

    def filled(self, secret_values: Mapping[str, str]) -> PreparedRequest:
        """
        Return the request with its secrets.

        :param secret_values: The connection's secrets, by name.
        :raises ConfigurationError: for a secret that the connection doesn't have.
        """
        return self if self.recipe is None else self.recipe(looked_up(secret_values))

    def as_http(self) -> HttpRequest:
        """Return the request as an auth scheme takes it: the very bytes that go over the wire."""
        if not self.compress or len(self.body) < COMPRESSED_FROM:
            return HttpRequest(self.method, self.url, self.headers, self.body)
        headers = (*self.headers, ("Content-Encoding", "gzip"))
        return HttpRequest(self.method, self.url, headers, gzip.compress(self.body, mtime=0))


def prepare(base_url: BaseUrl, auth: Auth, request: Request) -> PreparedRequest:
    """
    Make the bytes of a request, without any network.

    :param base_url: Where the service is.
    :param auth: What will put credentials on it, and so owns some headers and parameters.
    :raises ConfigurationError: for what can't be sent, or what the connection or the protocol owns.
    """
    if request.method not in METHODS:
        raise ConfigurationError(f"method: {request.method!r} is none of {', '.join(METHODS)}")
    content = None if request.body is None else request.body.value
    if not any(has_secrets(value) for value in (request.query, request.headers, content)):
        return _made(base_url, auth, request)

    def filled(fill: Callable[[str], str]) -> PreparedRequest:
        with_secrets = replace(
            request,
            query=fill_secrets(request.query, fill),
            headers=fill_secrets(request.headers, fill),
            body=None if request.body is None else replace(request.body, value=fill_secrets(content, fill)),
        )
        return _made(base_url, auth, with_secrets)

    shown = filled(lambda _: HIDDEN)
    # What is percent-encoded in a URL is meant to be read here, and nobody sends it.
    return replace(shown, url=shown.url.replace(quote(HIDDEN, safe=""), HIDDEN), recipe=filled)


def _made(base_url: BaseUrl, auth: Auth, request: Request) -> PreparedRequest:
    pairs = list(query_pairs(request.query, request.list_style))
    own = own_headers(request.headers, auth.reserved_headers)
    url = base_url.join(request.uri, pairs)
    refuse_reserved_query(url, auth.reserved_query)
    declared = next((value for name, value in own if name.lower() == "content-type"), "")
    text = request.body.value if isinstance(request.body, Raw) else ""
    beginning = text[:_BEGINNING].encode("ascii", "replace") if text and isinstance(text, str) else b""
    charset = charset_to_send(declared, beginning) if declared else None
    body, media_type = make_body(request.body, request.list_style, charset)
    files = isinstance(request.body, Form) and request.body.files
    names = {name.lower() for name, _ in own}
    if media_type is not None and ("content-type" not in names or files):
        if files and "content-type" in names:
            raise HeaderError("Content-Type", "a form with files has its own: leave it out")
        own.append(("Content-Type", media_type))
    if "accept" not in names:
        own.append(("Accept", "application/json, */*;q=0.5"))
    compress = request.compress and "content-encoding" not in names
    _refuse_encoding(own, request.body)
    return PreparedRequest(request.method, url, tuple(own), body, compress)


def _refuse_encoding(headers: list[tuple[str, str]], body: Body | None) -> None:
    """Refuse to say that a body is compressed which nobody has compressed: bytes alone can be."""
    name, said = next(((name, text) for name, text in headers if name.lower() == "content-encoding"), ("", ""))
    is_bytes = isinstance(body, Raw) and isinstance(body.value, (bytes, bytearray, memoryview))
    if said.strip().lower() in _COMPRESSIONS and body is not None and not is_bytes:
        raise HeaderError(
            name, f"says {said.strip()}, and the body is not: leave it out, and give compress=True, which sends gzip"
        )


def refuse_reserved_header(name: str, reserved: frozenset[str]) -> None:
    """
    Refuse a header that the connection's authentication sets.

    :param name: The header's name.
    :param reserved: What the authentication sets, in lower case.
    :raises HeaderError: for one of these.
    """
    if name.lower() in reserved:
        raise HeaderError(name, "the connection's authentication sets this header: leave it out")


def refuse_reserved_query(url: str, reserved: frozenset[str]) -> None:
    """
    Refuse a parameter that the connection's authentication sets.

    :param url: The whole URL.
    :param reserved: What the authentication sets.
    :raises ConfigurationError: for one of these.
    """
    if not reserved:
        return
    for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True):
        if name in reserved:
            raise ConfigurationError(
                f'query["{name}"]: the connection\'s authentication sets this parameter: leave it out'
            )


def own_headers(headers: Mapping[str, str] | None, reserved: frozenset[str]) -> list[tuple[str, str]]:
    """
    Return headers as they are sent.

    :param headers: What was given as these; one that is None is left out.
    :param reserved: What the authentication sets, in lower case.
    :raises HeaderError: for a name that none has or that the protocol or the connection owns, and for a value that can't be sent.
    """
    own: list[tuple[str, str]] = []
    seen: set[str] = set()
    if headers is not None and not isinstance(headers, Mapping):
        raise HeaderError(None, f"must be a map of names and values, not {in_words(headers)}")
    for name, value in (headers or {}).items():
        if value is None:
            continue
        if not is_token(name):
            raise HeaderError(None, f"{name!r} is no name of a header (RFC 9110, section 5.6.2)")
        lower = name.lower()
        refuse_reserved_header(name, reserved)
        if lower in PROTOCOL_HEADERS:
            raise HeaderError(
                name,
                "belongs to the connection or to the protocol, and can't be set: leave it out"
                + ("; credentials stand in the connection" if "authorization" in lower else ""),
            )
        if lower in seen:
            raise HeaderError(name, "is given twice, in different cases: give it once")
        seen.add(lower)
        try:
            text = scalar_text(value).strip(" \t")
        except ConfigurationError as error:
            raise HeaderError(name, str(error)) from None
        if _HEADER_TEXT.fullmatch(text) is None:
            raise HeaderError(
                name, "has a line break, a control character or one beyond Latin-1: encode it, as with url.encode(…)"
            )
        if lower == "content-type" and text and "/" not in text:
            raise HeaderError(name, f"{text!r} is no media type: write such as 'application/json'")
        own.append((name, text))
    return own
