"""A request, and how it is sent, as a caller of the hooks writes them in Python."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypedDict

from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_cloudfn.client.body import Body, FilePart
    from airflow_provider_cloudfn.client.query import ListStyle, QueryValues
    from airflow_provider_cloudfn.client.request import Request, Sending
    from airflow_provider_cloudfn.client.retry import RetryPolicy
    from airflow_provider_cloudfn.client.sink import ResponseSink

__all__ = ["RequestOptions", "RequestParts", "body_of", "request_of", "sending_of"]


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

    :param method: The method.
    :param uri: The path below the base URL.
    :param parts: What else it is made of.
    """
    from airflow_provider_cloudfn.client.request import Request

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
    """
    from airflow_provider_cloudfn.client.request import Sending

    return Sending(
        options.get("timeout"),
        options.get("retry"),
        options.get("idempotent"),
        options.get("sink"),
        options.get("check_status", True),
        options.get("as_it_came", False),
    )
