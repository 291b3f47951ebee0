"""What a service answered, read."""

from __future__ import annotations

import codecs
import json
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_cloudfn.auth.redacted import Redacted
from airflow_provider_cloudfn.client.charset import charset_of, codec_of, last_content_type, xml_charset
from airflow_provider_cloudfn.exceptions import CommunicationError, ResponseError
from airflow_provider_cloudfn.json_encoding import parse_foreign_json

if TYPE_CHECKING:
    from airflow_provider_cloudfn.auth.message import HttpResponse
    from airflow_provider_cloudfn.client.sink import StoredBody

__all__ = ["Response", "read_response"]

_REQUEST_ID_HEADERS = (
    "x-request-id",
    "request-id",
    "x-amzn-requestid",
    "x-amz-request-id",
    "x-correlation-id",
    "cf-ray",
    "x-emporix-requestid",
)
#: It stands in logs and errors: what is longer is none.
_REQUEST_ID = 200

_JSON_TYPES = frozenset({"application/json", "text/json"})
_AWS_JSON = "application/x-amz-json-"  # and a version
_TEXT_TYPES = frozenset({"application/javascript", "application/x-www-form-urlencoded", "application/graphql"})
_XML_TYPES = frozenset({"application/xml", "text/xml"})


class Response(Redacted, frozen=True):
    """
    An answer.

    :param status: The status code.
    :param headers: Names in lower case; those that came more than once joined by ``", "``; without ``set-cookie``.
    :param body: A JSON value, text, bytes, or None where there is none, by what Content-Type says.
    :param content: The bytes of the body, decompressed.
    :param url: Where it came from, without secrets.
    :param request_id: The service's own name for the request, where it gives one.
    :param stored: The body that went into a sink instead.
    """

    _hidden: ClassVar = frozenset({"body", "content"})

    status: int
    headers: dict[str, str]
    body: Any
    content: bytes
    url: str
    request_id: str | None
    stored: StoredBody | None = None

    @property
    def ok(self) -> bool:
        """Whether the status is any of 2xx."""
        return 200 <= self.status < 300

    def as_variable(self) -> dict[str, Any]:
        """Return the answer as expressions read it under the name ``response``."""
        return {
            "status": self.status,
            "headers": self.headers,
            "body": self.body,
            "url": self.url,
            "request_id": self.request_id,
        }


def read_response(
    raw: HttpResponse, url: str, stored: StoredBody | None = None, *, as_it_came: bool = False
) -> Response:
    """
    Read an answer by its Content-Type.

    :param raw: What came over the wire.
    :param url: Where it came from, without secrets.
    :param stored: The body that went into a sink instead.
    :param as_it_came: Whether the body stays bytes, whatever Content-Type says.
    :raises ResponseError: for a success that promises JSON, or a character set, and is not it.
    :raises CommunicationError: for such a one that may have been cut short.
    """
    headers = response_headers(raw)
    request_id = next((_printable(headers[name]) for name in _REQUEST_ID_HEADERS if name in headers), None)
    problem = None
    try:
        body = raw.content if as_it_came else _body(raw.content, last_content_type(headers.get("content-type", "")))
    except ValueError as error:
        # The decoder's own errors hold the whole body, so none of them may stay behind an error of ours.
        problem = str(error)
    if problem is not None:
        if 200 <= raw.status < 300 and raw.ends_by_close:
            raise CommunicationError(
                f"the answer {raw.status} of {url} is not what it says it is: {problem}; it has no length, so the connection may "
                "have been closed before its end" + (f" (request id {request_id})" if request_id else ""),
                status=raw.status,
                request_id=request_id,
                retryable=True,
            )
        if 200 <= raw.status < 300:
            raise ResponseError(
                f"the answer {raw.status} of {url} is not what it says it is: {problem}; to take it as it is, ask the "
                "service to send another Content-Type" + (f" (request id {request_id})" if request_id else ""),
                status=raw.status,
                request_id=request_id,
            )
        body = raw.content.decode("utf-8", "replace")
    return Response(
        status=raw.status,
        headers=headers,
        body=body,
        content=raw.content,
        url=url,
        request_id=request_id,
        stored=stored,
    )


def _printable(request_id: str) -> str:
    return "".join(character if character.isprintable() else "·" for character in request_id[:_REQUEST_ID])


def response_headers(raw: HttpResponse) -> dict[str, str]:
    """
    Return the headers as expressions see them.

    :param raw: What came over the wire.
    """
    found: dict[str, str] = {}
    for name, value in raw.headers:
        key = name.lower()
        if key not in ("set-cookie", "set-cookie2"):
            text = value if value.isascii() else _header_text(value)
            found[key] = f"{found[key]}, {text}" if key in found else text
    return found


def _header_text(value: str) -> str:
    """Return a header that aiohttp read as UTF-8, read as Latin-1 where it is not: no text may have lone surrogates."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogateescape").decode("latin-1")
    return value


def _body(content: bytes, content_type: str) -> Any:
    if not content:
        return None
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type in _JSON_TYPES or media_type.endswith("+json") or media_type.startswith(_AWS_JSON):
        if not content.removeprefix(codecs.BOM_UTF8).strip():
            return None
        return _json(content, charset_of(content_type))
    if media_type in _XML_TYPES or media_type.endswith("+xml"):
        return _text(content, charset_of(content_type) or xml_charset(content))
    if media_type.startswith("text/") or media_type in _TEXT_TYPES:
        return _text(content, charset_of(content_type) or "utf-8")
    if not media_type:
        try:
            return _json(content, None)
        except ValueError:
            return content
    return content


def _json(content: bytes, charset: str | None) -> Any:
    # RFC 8259 knows UTF-8 only, and no parameter charset: one that is named is believed where the answer is JSON in it.
    if charset is not None:
        try:
            return _parsed(_text(content, charset))
        except ValueError:
            pass
    return _parsed(_text(content, json.detect_encoding(content)))


def _parsed(text: str) -> Any:
    try:
        return parse_foreign_json(text)
    except ValueError as error:
        raise ValueError(f"it promises JSON, and {error}") from None


def _text(content: bytes, charset: str) -> str:
    codec = codec_of(charset)
    try:
        return codec.decode(content, "strict")[0]
    except UnicodeError:
        raise ValueError(f"its bytes are not {codec.name}") from None
