"""What a service answered, read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from msgspec import field
from msgspec.structs import replace

from airflow_provider_cloudfn.auth.message import HttpResponse
from airflow_provider_cloudfn.auth.redacted import Redacted
from airflow_provider_cloudfn.client.asked_by_name import AskedByName, Headers
from airflow_provider_cloudfn.client.charset import last_content_type
from airflow_provider_cloudfn.client.content import any_text, read_content
from airflow_provider_cloudfn.client.cookies import cookies_set
from airflow_provider_cloudfn.exceptions import CommunicationError, LimitError, ResponseError
from airflow_provider_cloudfn.json_encoding import TooManyValuesError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airflow_provider_cloudfn.client.sink import StoredBody

__all__ = ["Response", "as_it_says", "read_request_id", "read_response", "reads_body"]

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


class Response(Redacted, frozen=True):
    """
    An answer.

    :param status: The status code.
    :param headers: Names in lower case; those that came more than once joined by ``", "``. ``set-cookie`` is there for who asks
        for it by its name, and is not shown.
    :param read: The body as it was read; or the error that it is for who wants it.
    :param content: The bytes of the body, decompressed.
    :param url: Where it came from, without secrets.
    :param request_id: The service's own name for the request, where it gives one.
    :param stored: The body that went into a sink instead.
    :param cookies: The cookies that it sets: names and values.
    """

    _hidden: ClassVar = frozenset({"read", "content", "cookies"})

    status: int
    headers: Headers
    read: Any
    content: bytes
    url: str
    request_id: str | None
    stored: StoredBody | None = None
    cookies: dict[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether the status is any of 2xx."""
        return 200 <= self.status < 300

    @property
    def body(self) -> Any:
        """
        A JSON value, text, bytes, or None where there is none, by what Content-Type says.

        :raises LimitError: for JSON of too many values; the answer is there all the same, as text and as bytes.
        """
        if isinstance(self.read, LimitError):
            raise self.read
        return self.read

    @property
    def text(self) -> str:
        """The content as text, whatever it is: in the character set that it names, else UTF-8; U+FFFD for what is none."""
        return any_text(self.content, last_content_type(self.headers.get("content-type", "")))

    def as_variable(self) -> dict[str, Any]:
        """Return the answer as expressions read it under the name ``response``."""
        return _Variable(self)


class _Variable(AskedByName):
    """An answer as expressions read it; what is asked for by its name alone is made then."""

    _beside = frozenset({"text", "bytes", "cookies"})

    def __init__(self, response: Response) -> None:
        super().__init__(
            status=response.status,
            headers=response.headers,
            body=response.body,
            url=response.url,
            request_id=response.request_id,
        )
        self._response = response
        self._made: dict[str, Any] = {"bytes": response.content, "cookies": response.cookies}

    def _entry(self, name: str) -> Any:
        if name == "text" and name not in self._made:
            self._made[name] = self._response.text
        return self._made[name]


def reads_body(paths: Iterable[tuple[str, ...]], *, of: str = "response") -> bool:
    """
    Return whether an expression needs the body to be what its Content-Type says.

    :param paths: What it reads, by the names that it is made of.
    :param of: The variable that is the answer.
    """
    return any(path[0] == of and (len(path) == 1 or path[1] == "body") for path in paths)


def as_it_says(response: Response) -> Response:
    """
    Return an answer that was left as it came, read by its Content-Type.

    :raises ResponseError: as of :func:`read_response`.
    """
    raw = HttpResponse(response.status, tuple(response.headers.items()), response.content)
    return replace(response, read=read_response(raw, response.url).read)


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
    request_id = read_request_id(headers)
    problem: str | None = None
    body: Any = None
    try:
        body = (
            raw.content if as_it_came else read_content(raw.content, last_content_type(headers.get("content-type", "")))
        )
    except TooManyValuesError as error:
        body = LimitError(
            f"the answer {raw.status} of {url} {error}; ask for less, such as a page or fewer fields, or take it as it is, with "
            "response_file=, response.text or response.bytes",
            status=raw.status,
        )
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
                f"the answer {raw.status} of {url} is not what it says it is: {problem}; to take it as it is, read "
                "response.text or response.bytes instead of response.body (in Python, as_it_came=True)"
                + (f" (request id {request_id})" if request_id else ""),
                status=raw.status,
                request_id=request_id,
            )
        body = raw.content.decode("utf-8", "replace")
    return Response(
        status=raw.status,
        headers=headers,
        read=body,
        content=raw.content,
        url=url,
        request_id=request_id,
        stored=stored,
        cookies=cookies_set(headers.set_cookie),
    )


def read_request_id(headers: Mapping[str, str]) -> str | None:
    """
    Return the service's own name for a request, where it gives one.

    :param headers: The answer's headers, names in lower case.
    """
    names = headers.keys()
    found = next((headers[name] for name in _REQUEST_ID_HEADERS if name in names), None)
    if found is None:
        return None
    return "".join(character if character.isprintable() else "·" for character in found[:_REQUEST_ID])


def response_headers(raw: HttpResponse) -> Headers:
    """
    Return the headers as expressions see them.

    :param raw: What came over the wire.
    """
    shown: dict[str, str] = {}
    set_cookie: list[str] = []
    for name, value in raw.headers:
        lower, text = name.lower(), _header_text(value)
        if lower == "set-cookie":
            set_cookie.append(text)
        elif lower != "set-cookie2":
            shown[lower] = f"{shown[lower]}, {text}" if lower in shown else text
    return Headers(shown, set_cookie)


def _header_text(value: str) -> str:
    """Return a header that aiohttp read as UTF-8, read as Latin-1 where it is not: no text may have lone surrogates."""
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogateescape").decode("latin-1")
    return value
