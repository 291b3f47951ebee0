"""What the hooks share that make requests of any kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.hooks.base import ConnectionHook, SettingsT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_cloudfn.client.prepared import PreparedRequest
    from airflow_provider_cloudfn.client.query import QueryValues
    from airflow_provider_cloudfn.client.response import Response

__all__ = ["RequestHook"]


class RequestHook(ConnectionHook[SettingsT]):
    """A hook that makes requests to the connection's service."""

    def request(
        self,
        method: str,
        uri: str,
        *,
        query: QueryValues | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        data: bytes | str | Mapping[str, Any] | None = None,
        timeout: float | None = None,
        check_status: bool = True,
    ) -> Response:
        """
        Make an authenticated call.

        :param method: ``GET``, ``POST``, ``PUT``, ``DELETE``, ``PATCH``, ``HEAD`` or ``OPTIONS``.
        :param uri: The path below the connection's base URL, perhaps with a query.
        :param query: Names and values to add to the query; a list repeats its name, None leaves it out.
        :param headers: Names and values; None leaves one out.
        :param json: What to send as JSON; None sends none.
        :param data: Bytes or text to send as they are, or a map to send as a form.
        :param timeout: Seconds for the whole call; default the connection's.
        :param check_status: Whether a status other than 2xx is an error.
        :raises ConfigurationError: when the connection or a parameter is wrong; nothing was sent then.
        :raises CloudFunctionError: one of the tree, by what must be done about it.
        """
        self._refuse_event_loop("request", "arequest")
        arguments = _arguments(query, headers, json, data)
        return self.client().request_sync(method, uri, **arguments, timeout=timeout, check_status=check_status)

    async def arequest(
        self,
        method: str,
        uri: str,
        *,
        query: QueryValues | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        data: bytes | str | Mapping[str, Any] | None = None,
        timeout: float | None = None,
        check_status: bool = True,
    ) -> Response:
        """Do what :meth:`request` does, in an event loop."""
        client = await self.aclient()
        arguments = _arguments(query, headers, json, data)
        return await client.request(method, uri, **arguments, timeout=timeout, check_status=check_status)

    def prepare(
        self,
        method: str,
        uri: str,
        *,
        query: QueryValues | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        data: bytes | str | Mapping[str, Any] | None = None,
    ) -> PreparedRequest:
        """
        Return the request that :meth:`request` would send, without credentials and without any network.

        :param method: As of :meth:`request`, and so are the others.
        """
        return self.client().prepare(method, uri, **_arguments(query, headers, json, data))


def _arguments(query: Any, headers: Any, json: Any, data: Any) -> dict[str, Any]:
    # The client tells no body from JSON's null; here, as with other HTTP libraries, None is no body.
    body = {} if json is None else {"json": json}
    return {"query": query, "headers": headers, "data": data, **body}
