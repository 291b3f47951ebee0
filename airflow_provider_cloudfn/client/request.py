"""What is asked of a service, and how it is sent: two frozen values that go from whoever calls down to the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from msgspec import Struct

from airflow_provider_cloudfn.auth.message import METHODS, Method
from airflow_provider_cloudfn.auth.redacted import Redacted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_cloudfn.client.body import Body
    from airflow_provider_cloudfn.client.query import ListStyle, QueryValues
    from airflow_provider_cloudfn.client.response import Response
    from airflow_provider_cloudfn.client.retry import RetryPolicy
    from airflow_provider_cloudfn.client.sink import ResponseSink

__all__ = ["METHODS", "Method", "Reached", "Request", "Sending"]

#: How far a request got before its answer.
Reached: TypeAlias = Literal["sent", "carried_out"]


class Request(Redacted, frozen=True):
    """
    What is asked of a service, as plain values.

    :param method: One of :data:`METHODS`.
    :param uri: The path below the base URL, perhaps with a query.
    :param query: Names and values to add to the query; a list is written as `list_style` says, None leaves a value out.
    :param headers: Names and values; None leaves one out.
    :param body: :class:`~airflow_provider_cloudfn.client.body.Json`, ``Raw`` or ``Form``; None for none.
    :param list_style: How lists are written in the query and in a form: ``repeat``, ``brackets`` or ``comma``.
    :param compress: Whether a large body is sent compressed.
    """

    _hidden: ClassVar = frozenset({"query", "headers", "body"})

    method: str
    uri: str
    query: QueryValues | None = None
    headers: Mapping[str, Any] | None = None
    body: Body | None = None
    list_style: ListStyle = "repeat"
    compress: bool = False


class Sending(Struct, frozen=True):
    """
    How a request is sent.

    :param timeout: Seconds for the whole call, all attempts and the waits between them; None as the connection says.
    :param retry: When it is sent again within the call; None as the client does.
    :param idempotent: Whether sending it twice does no more than sending it once; None to go by its method and headers.
    :param sink: Where the body of a success goes, instead of into memory; it is checked before the request is sent.
    :param check_status: Whether a status other than 2xx is an error.
    :param as_it_came: Whether the body is left as bytes, whatever Content-Type says.
    :param accepts: Whether a redirect is the answer, instead of being followed; None to follow each.
    :param redirect_taken_by: What makes a redirect the answer, for the error about one that is not followed; ``{status}`` is its
        status. Empty where nothing does.
    :param tell: Is told when the service may have got the request, and when a redirect says that it was carried out and its
        result is to be got elsewhere.
    """

    timeout: float | None = None
    retry: RetryPolicy | None = None
    idempotent: bool | None = None
    sink: ResponseSink | None = None
    check_status: bool = True
    as_it_came: bool = False
    accepts: Callable[[Response], bool] | None = None
    redirect_taken_by: str = ""
    tell: Callable[[Reached], object] | None = None
