"""A request as it will be sent, before credentials: made of plain values, without any network."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from airflow_provider_cloudfn.auth.message import HttpRequest
from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.json_encoding import encode_json

if TYPE_CHECKING:
    from airflow_provider_cloudfn.auth.scheme import Auth
    from airflow_provider_cloudfn.client.url import BaseUrl

__all__ = ["ABSENT", "METHODS", "PreparedRequest", "QueryValues", "prepare"]

METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")

#: Stands for no body, because None is a body: JSON's null.
ABSENT: Final = object()

QueryValues = Mapping[str, Any] | Sequence[tuple[str, str]]

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PROTOCOL_HEADERS = frozenset(
    {
        "authorization", "connection", "content-length", "expect", "host", "keep-alive", "proxy-authenticate",
        "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class PreparedRequest:
    """
    A request as it will be sent, before credentials.

    :param method: The method.
    :param url: The whole URL.
    :param headers: Names and values, in their order.
    :param body: The bytes of the body.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)

    def as_http(self) -> HttpRequest:
        """Return the request as an auth scheme takes it."""
        return HttpRequest(self.method, self.url, self.headers, self.body)


def prepare(
    base_url: BaseUrl,
    auth: Auth,
    method: str,
    uri: str,
    *,
    query: QueryValues | None = None,
    headers: Mapping[str, str] | None = None,
    json: object = ABSENT,
    data: object = None,
) -> PreparedRequest:
    """
    Make a request of plain values.

    :param base_url: Where the service is.
    :param auth: What will put credentials on it, and so owns some headers and parameters.
    :param method: One of :data:`METHODS`.
    :param uri: The path below the base URL, perhaps with a query.
    :param query: Names and values; a list repeats its name, None leaves it out.
    :param headers: Names and values; None leaves one out.
    :param json: A value to send as JSON.
    :param data: Bytes or text to send as they are, or a map to send as a form.
    :raises ConfigurationError: for what can't be sent, or what the connection or the protocol owns.
    """
    if method not in METHODS:
        raise ConfigurationError(f"method: {method!r} is none of {', '.join(METHODS)}")
    if json is not ABSENT and data is not None:
        raise ConfigurationError("json and data: give one of them, they are two ways to give the body")
    pairs = list(query_pairs(query))
    own = _own_headers(headers, auth.reserved_headers)
    url = base_url.join(uri, pairs)
    _refuse_reserved_query(url, auth.reserved_query)
    body, media_type = _body(json, data)
    if media_type is not None and not any(name.lower() == "content-type" for name, _ in own):
        own.append(("Content-Type", media_type))
    if not any(name.lower() == "accept" for name, _ in own):
        own.append(("Accept", "application/json, */*;q=0.5"))
    return PreparedRequest(method, url, tuple(own), body)


def query_pairs(query: QueryValues | None) -> Iterable[tuple[str, str]]:
    """
    Yield the names and values of a query as text.

    :param query: Names and values; a list repeats its name, None leaves it out.
    :raises ConfigurationError: for a value that has no text.
    """
    if query is None:
        return
    items = query.items() if isinstance(query, Mapping) else query
    for name, value in items:
        several = isinstance(value, (list, tuple))
        for one in value if several else (value,):
            if one is not None:
                yield name, _scalar_text(f'query["{name}"]', one)


def _scalar_text(place: str, value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (Mapping, list, tuple, set)):
        raise ConfigurationError(f"{place}: must be text or a number, not {type(value).__name__}")
    text = encode_json(value)
    return text[1:-1] if text.startswith('"') else text


def _own_headers(headers: Mapping[str, str] | None, reserved: frozenset[str]) -> list[tuple[str, str]]:
    own: list[tuple[str, str]] = []
    seen: set[str] = set()
    for name, value in (headers or {}).items():
        if value is None:
            continue
        if not _TOKEN.fullmatch(name):
            raise ConfigurationError(f"headers: {name!r} is no name of a header (RFC 9110, section 5.6.2)")
        lower = name.lower()
        place = f'headers["{name}"]'
        if lower in reserved:
            raise ConfigurationError(f"{place}: the connection's authentication sets this header: leave it out")
        if lower in _PROTOCOL_HEADERS:
            raise ConfigurationError(
                f"{place}: belongs to the connection or to the protocol, and can't be set: leave it out"
                + ("; credentials stand in the connection" if "authorization" in lower else "")
            )
        if lower in seen:
            raise ConfigurationError(f"{place}: is given twice, in different cases: give it once")
        seen.add(lower)
        text = _scalar_text(place, value).strip(" \t")
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


def _body(json: object, data: object) -> tuple[bytes, str | None]:
    if json is not ABSENT:
        return encode_json(json).encode(), "application/json"
    if data is None:
        return b"", None
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(data), "application/octet-stream"
    if isinstance(data, str):
        return data.encode(), "text/plain; charset=utf-8"
    if isinstance(data, Mapping):
        return urlencode(list(query_pairs(data))).encode("ascii"), _FORM
    raise ConfigurationError(f"data: must be bytes, text or a map to send as a form, not {type(data).__name__}")
