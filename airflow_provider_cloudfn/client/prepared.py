"""A request as it will be sent, before credentials: made of plain values, without any network."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from msgspec.structs import replace

from airflow_provider_cloudfn.auth.header_fields import PROTOCOL_HEADERS, is_token
from airflow_provider_cloudfn.auth.message import HttpRequest
from airflow_provider_cloudfn.auth.redacted import Redacted
from airflow_provider_cloudfn.client.body import ABSENT, FilePart, make_body
from airflow_provider_cloudfn.client.charset import charset_of
from airflow_provider_cloudfn.client.query import ListStyle, QueryValues, query_pairs, scalar_text
from airflow_provider_cloudfn.client.secret import HIDDEN, fill_secrets, has_secrets, looked_up
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from airflow_provider_cloudfn.auth.scheme import Auth
    from airflow_provider_cloudfn.client.url import BaseUrl

__all__ = ["ABSENT", "METHODS", "PreparedRequest", "QueryValues", "prepare"]

METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")

#: What is smaller than this is not worth compressing.
COMPRESSED_FROM = 1024


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


def prepare(
    base_url: BaseUrl,
    auth: Auth,
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
    Make a request of plain values.

    :param base_url: Where the service is.
    :param auth: What will put credentials on it, and so owns some headers and parameters.
    :param method: One of :data:`METHODS`.
    :param uri: The path below the base URL, perhaps with a query.
    :param query: Names and values; a list is written as `list_style` says, None leaves a value out.
    :param headers: Names and values; None leaves one out.
    :param json: A value to send as JSON.
    :param data: Bytes or text to send as they are, or a map to send as a form.
    :param files: Files of a form (RFC 7578), whose other fields `data` holds.
    :param list_style: How lists are written in the query and in a form: ``repeat``, ``brackets`` or ``comma``.
    :param compress: Whether a large body is sent compressed.
    :raises ConfigurationError: for what can't be sent, or what the connection or the protocol owns.
    """
    if method not in METHODS:
        raise ConfigurationError(f"method: {method!r} is none of {', '.join(METHODS)}")

    def made(fill: Callable[[str], str] | None) -> PreparedRequest:
        def filled(value: Any) -> Any:
            return value if fill is None else fill_secrets(value, fill)

        pairs = list(query_pairs(filled(query), list_style))
        own = _own_headers(filled(headers), auth.reserved_headers)
        url = base_url.join(uri, pairs)
        _refuse_reserved_query(url, auth.reserved_query)
        charset = next((charset_of(value) for name, value in own if name.lower() == "content-type"), None)
        body, media_type = make_body(filled(json), filled(data), files, list_style, charset)
        names = {name.lower() for name, _ in own}
        if media_type is not None and ("content-type" not in names or files):
            if files and "content-type" in names:
                raise ConfigurationError('headers["Content-Type"]: a form with files has its own: leave it out')
            own.append(("Content-Type", media_type))
        if "accept" not in names:
            own.append(("Accept", "application/json, */*;q=0.5"))
        return PreparedRequest(method, url, tuple(own), body, compress and "content-encoding" not in names)

    if not any(has_secrets(value) for value in (query, headers, json, data)):
        return made(None)
    shown = made(lambda _: HIDDEN)
    # What is percent-encoded in a URL is meant to be read here, and nobody sends it.
    return replace(shown, url=shown.url.replace(quote(HIDDEN, safe=""), HIDDEN), recipe=made)


def _own_headers(headers: Mapping[str, str] | None, reserved: frozenset[str]) -> list[tuple[str, str]]:
    own: list[tuple[str, str]] = []
    seen: set[str] = set()
    for name, value in (headers or {}).items():
        if value is None:
            continue
        if not is_token(name):
            raise ConfigurationError(f"headers: {name!r} is no name of a header (RFC 9110, section 5.6.2)")
        lower = name.lower()
        place = f'headers["{name}"]'
        if lower in reserved:
            raise ConfigurationError(f"{place}: the connection's authentication sets this header: leave it out")
        if lower in PROTOCOL_HEADERS:
            raise ConfigurationError(
                f"{place}: belongs to the connection or to the protocol, and can't be set: leave it out"
                + ("; credentials stand in the connection" if "authorization" in lower else "")
            )
        if lower in seen:
            raise ConfigurationError(f"{place}: is given twice, in different cases: give it once")
        seen.add(lower)
        text = scalar_text(place, value).strip(" \t")
        if not all(character == "\t" or " " <= character <= "~" or "\xa0" <= character <= "\xff" for character in text):
            raise ConfigurationError(
                f"{place}: has a line break, a control character or one beyond Latin-1: encode it, as with url.encode(…)"
            )
        own.append((name, text))
    return own


def _refuse_reserved_query(url: str, reserved: frozenset[str]) -> None:
    if not reserved:
        return
    from urllib.parse import parse_qsl, urlsplit

    for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True):
        if name in reserved:
            raise ConfigurationError(
                f'query["{name}"]: the connection\'s authentication sets this parameter: leave it out'
            )
