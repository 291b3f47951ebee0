"""What the hooks share that make requests of any kind: what their callers write becomes a request here, once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypedDict, Unpack

from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.hooks.base import ConnectionHook, SettingsT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_cloudfn.client.body import Body, FilePart
    from airflow_provider_cloudfn.client.prepared import PreparedRequest
    from airflow_provider_cloudfn.client.query import ListStyle, QueryValues
    from airflow_provider_cloudfn.client.request import Request, Sending
    from airflow_provider_cloudfn.client.response import Response
    from airflow_provider_cloudfn.client.retry import RetryPolicy
    from airflow_provider_cloudfn.client.sink import ResponseSink
    from airflow_provider_cloudfn.exceptions import CloudFunctionError

__all__ = ["FIELD_OF_OPTION", "RequestHook", "RequestOptions", "RequestParts", "body_of"]

#: What ``requests`` takes with each call, and a connection has in a field of its own.
FIELD_OF_OPTION: Final = {
    "verify": "ca_bundle",
    "verify_ssl": "ca_bundle",
    "cert": "client_cert",
    "proxies": "proxy",
    "proxy": "proxy",
}


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


class RequestHook(ConnectionHook[SettingsT]):
    """A hook that makes requests to the connection's service."""

    #: The connection's type.
    conn_type: ClassVar[str]

    def request(self, method: str, uri: str, **options: Unpack[RequestOptions]) -> Response:
        """
        Make an authenticated call.

        :param method: ``GET``, ``POST``, ``PUT``, ``DELETE``, ``PATCH``, ``HEAD`` or ``OPTIONS``.
        :param uri: The path below the connection's base URL, perhaps with a query.
        :param query: Names and values to add to the query; None leaves a value out.
        :param headers: Names and values; None leaves one out.
        :param json: What to send as JSON; None sends none.
        :param data: Bytes or text to send as they are, or a map to send as a form.
        :param files: Files of a form, whose other fields `data` holds.
        :param list_style: How lists are written in the query and in a form: ``repeat``, ``brackets`` or ``comma``.
        :param compress: Whether a large body is sent compressed.
        :param timeout: Seconds for the whole call, retries included; default the connection's.
        :param check_status: Whether a status other than 2xx is an error; default True.
        :param retry: When it is sent again within the call.
        :param idempotent: Whether sending it twice does no more than sending it once; default by its method and headers.
        :param sink: Where the body of a success goes, instead of into memory; it is checked before the request is sent.
        :raises ConfigurationError: when the connection or a parameter is wrong; nothing was sent then.
        :raises CloudFunctionError: one of the tree, by what must be done about it.
        """
        self._refuse_event_loop("request", "arequest")
        return self.send(_request(method, uri, options), _sending(options))

    async def arequest(self, method: str, uri: str, **options: Unpack[RequestOptions]) -> Response:
        """Do what :meth:`request` does, in an event loop."""
        return await self.asend(_request(method, uri, options), _sending(options))

    def prepare(self, method: str, uri: str, **parts: Unpack[RequestParts]) -> PreparedRequest:
        """
        Return the request that :meth:`request` would send, without credentials and without any network.

        :param method: As of :meth:`request`, and so are the others.
        """
        return self.client().prepare(_request(method, uri, parts))

    def send(self, request: Request, sending: Sending) -> Response:
        """
        Make an authenticated call.

        :param request: The request.
        :param sending: How it is sent.
        :returns: The answer.
        :raises CloudFunctionError: as :meth:`request` does.
        """
        return self.client().request_sync(request, sending)

    async def asend(self, request: Request, sending: Sending) -> Response:
        """Do what :meth:`send` does, in an event loop."""
        client = await self.aclient()
        return await client.request(request, sending)

    def failure(self, method: str, response: Response) -> CloudFunctionError:
        """
        Return the error that an answer is whose status is no success.

        :param method: The request's method.
        :param response: The answer.
        """
        return self.client().failure(method, response)

    def excerpt(self, response: Response) -> str:
        """
        Return the beginning of an answer's body, on one line and without secrets, as errors show it.

        :param response: The answer.
        """
        return self.client().excerpt(response)


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


def _request(method: str, uri: str, parts: RequestParts) -> Request:
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


def _sending(options: RequestOptions) -> Sending:
    from airflow_provider_cloudfn.client.request import Sending

    return Sending(
        options.get("timeout"),
        options.get("retry"),
        options.get("idempotent"),
        options.get("sink"),
        options.get("check_status", True),
    )
