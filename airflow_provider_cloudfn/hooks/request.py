"""What the hooks share that make requests of any kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypedDict, Unpack

from airflow_provider_cloudfn.hooks.base import ConnectionHook, SettingsT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_cloudfn.client.body import FilePart
    from airflow_provider_cloudfn.client.prepared import PreparedRequest
    from airflow_provider_cloudfn.client.query import ListStyle, QueryValues
    from airflow_provider_cloudfn.client.response import Response
    from airflow_provider_cloudfn.client.retry import RetryPolicy
    from airflow_provider_cloudfn.client.sink import ResponseSink

__all__ = ["RequestHook", "RequestOptions", "RequestParts"]


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
        return self.client().request_sync(method, uri, **_as_the_client_takes(options))

    async def arequest(self, method: str, uri: str, **options: Unpack[RequestOptions]) -> Response:
        """Do what :meth:`request` does, in an event loop."""
        client = await self.aclient()
        return await client.request(method, uri, **_as_the_client_takes(options))

    def prepare(self, method: str, uri: str, **parts: Unpack[RequestParts]) -> PreparedRequest:
        """
        Return the request that :meth:`request` would send, without credentials and without any network.

        :param method: As of :meth:`request`, and so are the others.
        """
        return self.client().prepare(method, uri, **_as_the_client_takes(parts))


def _as_the_client_takes(options: RequestParts) -> dict[str, Any]:
    # The client tells no body from JSON's null; here, as with other HTTP libraries, None is no body.
    return {name: value for name, value in options.items() if name != "json" or value is not None}
