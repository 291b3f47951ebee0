"""What the hooks share that make requests of any kind: what their callers write becomes a request here, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from airflow_provider_cloudfn.hooks.base import ConnectionHook, SettingsT
from airflow_provider_cloudfn.hooks.request_options import RequestOptions, RequestParts, request_of, sending_of

if TYPE_CHECKING:
    from airflow_provider_cloudfn.client.prepared import PreparedRequest
    from airflow_provider_cloudfn.client.request import Request, Sending
    from airflow_provider_cloudfn.client.response import Response
    from airflow_provider_cloudfn.exceptions import CloudFunctionError
    from airflow_provider_cloudfn.hooks.session import HookSession

__all__ = ["RequestHook"]


class RequestHook(ConnectionHook[SettingsT]):
    """A hook that makes requests to the connection's service."""

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
        :param as_it_came: Whether the answer's body stays bytes, whatever its Content-Type says; ``text`` has it as text.
        :raises ConfigurationError: when the connection or a parameter is wrong; nothing was sent then.
        :raises CloudFunctionError: one of the tree, by what must be done about it.
        """
        self._refuse_event_loop("request", "arequest")
        return self.send(request_of(method, uri, options), sending_of(options))

    async def arequest(self, method: str, uri: str, **options: Unpack[RequestOptions]) -> Response:
        """Do what :meth:`request` does, in an event loop."""
        return await self.asend(request_of(method, uri, options), sending_of(options))

    def session(self) -> HookSession:
        """
        Return connections that stay open, for many requests of a task of one's own.

        In a ``@task``::

            with CloudFunctionHook("shop").session() as shop:
                for order in shop.pages(Pages.next_link("response.body.next"), "GET", "/v1/orders"):
                    shop.request("POST", "/v1/charges", json={"order": order["id"]})
        """
        from airflow_provider_cloudfn.hooks.session import HookSession

        self._refuse_event_loop("session", "arequest, or use the session in a thread, as with asyncio.to_thread,")
        return HookSession(self.client())

    def prepare(self, method: str, uri: str, **parts: Unpack[RequestParts]) -> PreparedRequest:
        """
        Return the request that :meth:`request` would send, without credentials and without any network.

        :param method: As of :meth:`request`, and so are the others.
        """
        return self.client().prepare(request_of(method, uri, parts))

    def send(self, request: Request, sending: Sending) -> Response:
        """
        Make an authenticated call.

        :param sending: How it is sent.
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
        """
        return self.client().failure(method, response)

    def excerpt(self, response: Response) -> str:
        """Return the beginning of an answer's body, on one line and without secrets, as errors show it."""
        return self.client().excerpt(response)
