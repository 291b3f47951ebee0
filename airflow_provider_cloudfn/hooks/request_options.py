"""A request, and how it is sent, as a caller of the hooks writes them in Python."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, TypedDict

from airflow_provider_cloudfn.exceptions import ConfigurationError, flag_problem, in_words, nearest_or_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_cloudfn.client.body import Body, FilePart
    from airflow_provider_cloudfn.client.query import ListStyle, QueryValues
    from airflow_provider_cloudfn.client.request import Request, Sending
    from airflow_provider_cloudfn.client.retry import RetryPolicy
    from airflow_provider_cloudfn.client.sink import ResponseSink

__all__ = ["FIELD_OF_OPTION", "RequestOptions", "RequestParts", "body_of", "request_of", "sending_of"]

#: What ``requests`` takes with each call, and a connection has in a field of its own.
FIELD_OF_OPTION: Final = {
    "verify": "ca_bundle",
    "verify_ssl": "ca_bundle",
    "cert": "client_cert",
    "proxies": "proxy",
    "proxy": "proxy",
}
#: What libraries for HTTP, and our operators, call what a hook has by another name.
_OTHERWISE: Final = {
    "params": "write query=",
    "body": "write json= or data=",
    "content": "write data=",
    "payload": "write json= or data=",
    "request_timeout": "write timeout=",
    "retries": "write retry=RetryPolicy(attempts=…)",
    "cookies": 'write headers={"Cookie": …}',
    "idempotency_key": 'write headers={"Idempotency-Key": …}',
    "auth": "leave it out, the connection authenticates",
    "stream": "write sink=, or leave it out",
    "allow_redirects": "leave it out, redirects within the connection's origin are followed",
    **{name: f"set {field} of the connection" for name, field in FIELD_OF_OPTION.items()},
}
#: The methods of a ``ResponseSink``.
_OF_A_SINK: Final = ("check", "open", "keep", "discard")


class RequestParts(TypedDict, total=False):
    """What a request is made of; see :meth:`RequestHook.request`."""

    query: QueryValues | None
    headers: Mapping[str, Any] | None
    json: Any
    data: bytes | str | Mapping[str, Any] | None
    files: Mapping[str, FilePart | Sequence[FilePart]] | None
    list_style: ListStyle
    compress: bool


class RequestOptions(RequestParts, total=False):
    """What a request is made of, and how it is sent; see :meth:`RequestHook.request`."""

    timeout: float | None
    check_status: bool
    retry: RetryPolicy | None
    idempotent: bool | None
    sink: ResponseSink | None
    as_it_came: bool


def body_of(
    json: Any = None, data: Any = None, files: Mapping[str, FilePart | Sequence[FilePart]] | None = None
) -> Body | None:
    """
    Return a body as HTTP libraries take it: None is no body.

    :param json: What to send as JSON.
    :param data: Bytes or text to send as they are, or a map to send as a form.
    :param files: Files of a form, whose other fields `data` holds.
    :raises ConfigurationError: for two bodies.
    """
    from airflow_provider_cloudfn.client.body import Form, Json, Raw

    if json is not None:
        if data is not None or files:
            raise ConfigurationError("json and data: give one of them, they are two ways to give the body")
        return Json(json)
    if files or isinstance(data, Mapping):
        return Form(data, files)
    return None if data is None else Raw(data)


def request_of(method: str, uri: str, parts: RequestParts) -> Request:
    """
    Return a request as it is written in Python.

    :param uri: The path below the base URL.
    :param parts: What else it is made of, and perhaps how it is sent.
    :raises ConfigurationError: for what is no option: left out, another request would be sent than the one that was meant.
    """
    from airflow_provider_cloudfn.client.request import Request

    for name in parts:
        if name not in RequestOptions.__optional_keys__:
            raise ConfigurationError(f"{name}: there is no such option; {_instead_of(name)}")
    _require_flags(parts, "compress")
    return Request(
        method,
        uri,
        parts.get("query"),
        parts.get("headers"),
        body_of(parts.get("json"), parts.get("data"), parts.get("files")),
        parts.get("list_style", "repeat"),
        parts.get("compress", False),
    )


def sending_of(options: RequestOptions) -> Sending:
    """
    Return how such a request is sent.

    :param options: What is said of it.
    :raises ConfigurationError: for a policy that is none: it is asked only when the request was sent; for a sink that is none;
        and for what must be True or False and is neither: ``check_status=None`` would let each failure pass.
    """
    from airflow_provider_cloudfn.client.request import Sending
    from airflow_provider_cloudfn.client.retry import RetryPolicy

    retry = options.get("retry")
    if retry is not None and not isinstance(retry, RetryPolicy):
        raise ConfigurationError(
            f"retry: must be such as RetryPolicy(attempts=5), of airflow_provider_cloudfn.client.retry, not {retry!r}"
        )
    sink = options.get("sink")
    if sink is not None and not all(hasattr(sink, step) for step in _OF_A_SINK):
        raise ConfigurationError(
            f"sink: must be an object with the methods {', '.join(_OF_A_SINK)}, as ResponseSink of "
            f"airflow_provider_cloudfn.client.sink says, not {in_words(sink)}"
        )
    _require_flags(options, "check_status", "as_it_came")
    if options.get("idempotent") is not None:
        _require_flags(options, "idempotent")
    return Sending(
        options.get("timeout"),
        retry,
        options.get("idempotent"),
        sink,
        options.get("check_status", True),
        options.get("as_it_came", False),
    )


def _require_flags(options: RequestOptions | RequestParts, *names: str) -> None:
    given: Mapping[str, object] = options
    for name in names:
        if (problem := flag_problem(given.get(name, False))) is not None:
            raise ConfigurationError(f"{name}: {problem}")


def _instead_of(name: object) -> str:
    return _OTHERWISE.get(str(name)) or nearest_or_all(str(name), RequestOptions.__optional_keys__, "{}=")
