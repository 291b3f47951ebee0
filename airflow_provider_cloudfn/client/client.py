"""The client: prepares a request, sends it with credentials, and makes a response or an error of the answer."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from msgspec.structs import replace

from airflow_provider_cloudfn.client.call import carry_out
from airflow_provider_cloudfn.client.driver import Driver
from airflow_provider_cloudfn.client.prepared import PreparedRequest, prepare
from airflow_provider_cloudfn.client.request import Request, Sending
from airflow_provider_cloudfn.client.running import run
from airflow_provider_cloudfn.client.settings import ClientSettings
from airflow_provider_cloudfn.client.status import excerpt_of, status_error
from airflow_provider_cloudfn.client.transport import Transport, open_transport
from airflow_provider_cloudfn.client.url import encoded_reference, without_parameters

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from airflow_provider_cloudfn.auth.scheme import AuthFlow
    from airflow_provider_cloudfn.client.response import Response
    from airflow_provider_cloudfn.exceptions import CloudFunctionError

__all__ = ["Client", "run"]

_AS_USUAL = Sending()


class Client(ClientSettings, frozen=True, kw_only=True):
    """
    Calls one service. It is a frozen value: another one like it is made by ``msgspec.structs.replace``.

    See :class:`~airflow_provider_cloudfn.client.settings.ClientSettings` for what it is made of.
    """

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Client]:
        """
        Return a client that keeps connections open for as long as the block lasts: for several requests in one event loop.

        This one stays as it is, so that other threads, with event loops of their own, can go on using it. One that has a
        transport of its own, such as a rehearsal's, keeps it.
        """
        async with self._open() as transport:
            yield replace(self, transport=transport)

    def prepare(self, request: Request) -> PreparedRequest:
        """
        Make the bytes of a request, without any network.

        :raises ConfigurationError: for what can't be sent.
        """
        return prepare(self.base_url, self.auth, request)

    async def request(self, request: Request, sending: Sending = _AS_USUAL) -> Response:
        """
        Make a call.

        :param sending: How it is sent.
        :raises CloudFunctionError: one of the tree, by what must be done about it.
        """
        return await self.send(prepare(self.base_url, self.auth, request), sending)

    async def send(self, prepared: PreparedRequest, sending: Sending = _AS_USUAL) -> Response:
        """
        Send what was prepared, again where that can help.

        :param sending: How it is sent.
        :raises CloudFunctionError: one of the tree, by what must be done about it.
        """
        if self.transport is not None:
            return await carry_out(self, self.transport, prepared, sending)
        async with self._open_new() as transport:
            return await carry_out(self, transport, prepared, sending)

    def resolve(self, request: Request, link: str) -> str:
        """
        Return the ``uri`` for a link that stands in the answer to a request (RFC 3986, section 5).

        A path that does not lie below the base URL is one below it: a service behind a gateway does not know what stands before
        its own paths.

        :param link: A path, a query, or a URL; what the connection's authentication adds by itself is taken off.
        """
        link = encoded_reference(link)
        is_path = link.startswith("/") and not link.startswith("//")
        if is_path and "/." not in link:
            joined = f"{self.base_url.origin.scheme}://{self.base_url.authority}{link}"
        else:
            joined = urljoin(self.base_url.join(request.uri), link)
        whole = without_parameters(self.base_url.over_tls(joined.partition("#")[0]), self.auth.reserved_query)
        base = str(self.base_url).rstrip("/")
        if not is_path or whole == base or whole.startswith((f"{base}/", f"{base}?")):
            return whole
        return without_parameters(link.partition("#")[0], self.auth.reserved_query)

    def request_sync(self, request: Request, sending: Sending = _AS_USUAL) -> Response:
        """
        Make a call from where no event loop runs. See :meth:`request`.

        :param sending: How it is sent.
        """
        return run(lambda: self.request(request, sending))

    def send_sync(self, prepared: PreparedRequest, sending: Sending = _AS_USUAL) -> Response:
        """
        Send what was prepared, from where no event loop runs. See :meth:`send`.

        :param sending: How it is sent.
        """
        return run(lambda: self.send(prepared, sending))

    async def obtain_credentials(self, flow: AuthFlow) -> None:
        """
        Drive a flow that is about credentials alone, such as the test of a connection.

        :param flow: Yields requests, and is sent their responses.
        :raises CloudFunctionError: when there are none to be had.
        """
        async with self._open() as transport:
            await Driver(self, transport, seconds=self.timeouts.total).obtain_credentials(flow)

    def failure(self, method: str, response: Response) -> CloudFunctionError:
        """
        Return the error that an answer is whose status is no success.

        :param method: The request's method.
        """
        return status_error(method, response, self.redaction(), self.base_url.path)

    def excerpt(self, response: Response) -> str:
        """Return the beginning of an answer's body, on one line and without secrets, as errors show it."""
        return excerpt_of(response, self.redaction())

    def _open(self) -> AbstractAsyncContextManager[Transport]:
        return self._open_new() if self.transport is None else nullcontext(self.transport)

    def _open_new(self) -> AbstractAsyncContextManager[Transport]:
        return open_transport(
            self.timeouts,
            self.limits,
            tls=self.tls,
            proxy=self.proxy,
            is_allowed=self.is_allowed,
        )
