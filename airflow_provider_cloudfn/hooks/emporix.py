"""The hook of the connection type ``emporix_oe``: events to the Emporix Orchestration Engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from airflow_provider_cloudfn.connections.emporix import EmporixConnection
from airflow_provider_cloudfn.exceptions import CloudFunctionError, ResponseError
from airflow_provider_cloudfn.hooks.base import ConnectionHook
from airflow_provider_cloudfn.hooks.emporix_event import (
    AcceptedEvent,
    CompletionParts,
    Event,
    EventParts,
    accepted_event,
    completion_event,
    resume_event,
    start_event,
    unreadable_acceptance,
)
from airflow_provider_cloudfn.hooks.masking import appearances, mask_secrets
from airflow_provider_cloudfn.hooks.token_sharing import configured_token_store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from airflow_provider_cloudfn.auth.message import HttpRequest
    from airflow_provider_cloudfn.auth.scheme import Auth
    from airflow_provider_cloudfn.client.client import Client
    from airflow_provider_cloudfn.client.request import Request, Sending
    from airflow_provider_cloudfn.client.response import Response
    from airflow_provider_cloudfn.hooks.commerce_webhooks import Subscribed

__all__ = ["AcceptedEvent", "EmporixHook"]


class EmporixHook(ConnectionHook[EmporixConnection]):
    """
    Start processes in the Emporix Orchestration Engine, hand events to running ones, and complete their steps.

    :param emporix_conn_id: The connection, of type ``emporix_oe``.
    """

    conn_name_attr = "emporix_conn_id"
    default_conn_name = "emporix_oe_default"
    conn_type = "emporix_oe"
    hook_name = "Emporix Orchestration Engine"
    settings_class = EmporixConnection

    def __init__(self, emporix_conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(emporix_conn_id, **kwargs)
        self.emporix_conn_id = emporix_conn_id

    def start(
        self,
        event_type: str,
        *,
        timeout: float | None = None,
        through: Callable[[Request, Sending], Response] | None = None,
        **parts: Unpack[EventParts],
    ) -> AcceptedEvent:
        """
        Send an event that starts a process.

        :param event_type: The key of an event in the engine's event registry.
        :param timeout: Seconds for the whole call; default the connection's.
        :param through: What sends the request and returns the answer; default the hook's client.
        :param parts: What else the event has, see :class:`~airflow_provider_cloudfn.hooks.emporix_event.EventParts`.
        :returns: What was accepted.
        :raises ConfigurationError: when the connection or a parameter is wrong; nothing was sent then.
        :raises CloudFunctionError: when the engine did not accept the event.
        """
        self._refuse_event_loop("start", "astart")
        return self._send(start_event(event_type, **parts), timeout, through)

    async def astart(
        self, event_type: str, *, timeout: float | None = None, **parts: Unpack[EventParts]
    ) -> AcceptedEvent:
        """Do what :meth:`start` does, in an event loop."""
        return await self._asend(start_event(event_type, **parts), timeout)

    def prepare_start(self, event_type: str, **parts: Unpack[EventParts]) -> HttpRequest:
        """
        Return the exact request that :meth:`start` would send, signed; nothing is sent.

        With the environment ``celonis``, the access token is left out, which would have to be asked for.

        :param event_type: As of :meth:`start`.
        :param parts: As of :meth:`start`.
        """
        return self._signed(start_event(event_type, **parts))

    def resume(
        self,
        event_type: str,
        *,
        instance_id: str,
        timeout: float | None = None,
        through: Callable[[Request, Sending], Response] | None = None,
        **parts: Unpack[EventParts],
    ) -> AcceptedEvent:
        """
        Send an event to a running instance of a process, which goes on with it where it waits for this type.

        :param event_type: The key of the event that the instance waits for.
        :param instance_id: The instance, sent as ``ce-instanceid``.
        :param timeout: As of :meth:`start`.
        :param through: As of :meth:`start`.
        :param parts: As of :meth:`start`.
        :returns: What was accepted.
        :raises ConfigurationError: when the connection or a parameter is wrong; nothing was sent then.
        :raises CloudFunctionError: when the engine did not accept the event.
        """
        self._refuse_event_loop("resume", "aresume")
        return self._send(resume_event(event_type, instance_id, **parts), timeout, through)

    async def aresume(
        self, event_type: str, *, instance_id: str, timeout: float | None = None, **parts: Unpack[EventParts]
    ) -> AcceptedEvent:
        """Do what :meth:`resume` does, in an event loop."""
        return await self._asend(resume_event(event_type, instance_id, **parts), timeout)

    def prepare_resume(self, event_type: str, *, instance_id: str, **parts: Unpack[EventParts]) -> HttpRequest:
        """
        Return the exact request that :meth:`resume` would send, signed; nothing is sent.

        :param event_type: As of :meth:`resume`.
        :param instance_id: As of :meth:`resume`.
        :param parts: As of :meth:`resume`.
        """
        return self._signed(resume_event(event_type, instance_id, **parts))

    def complete(
        self,
        event_type: str,
        *,
        timeout: float | None = None,
        through: Callable[[Request, Sending], Response] | None = None,
        **parts: Unpack[CompletionParts],
    ) -> AcceptedEvent:
        """
        Send the event that says that a step of a process is done; without it the process waits for ever.

        :param event_type: The key of the step's completion event.
        :param timeout: As of :meth:`start`.
        :param through: As of :meth:`start`.
        :param parts: Which step it is and what else the event has, see
            :class:`~airflow_provider_cloudfn.hooks.emporix_event.CompletionParts`.
        :returns: What was accepted.
        :raises ConfigurationError: when the connection or a parameter is wrong; nothing was sent then.
        :raises CloudFunctionError: when the engine did not accept the event.
        """
        self._refuse_event_loop("complete", "acomplete")
        return self._send(completion_event(event_type, **parts), timeout, through)

    async def acomplete(
        self, event_type: str, *, timeout: float | None = None, **parts: Unpack[CompletionParts]
    ) -> AcceptedEvent:
        """Do what :meth:`complete` does, in an event loop."""
        return await self._asend(completion_event(event_type, **parts), timeout)

    def prepare_complete(self, event_type: str, **parts: Unpack[CompletionParts]) -> HttpRequest:
        """
        Return the exact request that :meth:`complete` would send, signed; nothing is sent.

        :param event_type: As of :meth:`complete`.
        :param parts: As of :meth:`complete`.
        """
        return self._signed(completion_event(event_type, **parts))

    def subscribe(
        self,
        tenant: str,
        event_types: Sequence[str],
        *,
        url: str,
        secret: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Subscribed:
        """
        Let Emporix Commerce send events of some types to a receiver; to do it again changes nothing but secret and headers.

        The connection's API client needs the scopes ``webhook.subscription_manage`` and ``webhook.subscription_read``.

        :param tenant: The tenant, in lower case.
        :param event_types: Such as ``order.created``.
        :param url: The receiver, which must answer HEAD or OPTIONS with a success.
        :param secret: What each message is signed with (``emporix-event-signature``).
        :param headers: Further headers of each message, 10 at most.
        :returns: Which types were subscribed to now, and which before.
        :raises ConfigurationError: for an argument that can't be, a type that Emporix does not know, and one that is
            sent elsewhere already.
        :raises CloudFunctionError: when Emporix refuses.
        """
        from airflow_provider_cloudfn.hooks.commerce_webhooks import CommerceWebhooks, Target
        from airflow_provider_cloudfn.hooks.emporix_api import EmporixApiHook

        self._refuse_event_loop("subscribe", "it in a thread")
        target = Target(url=url, secret=secret, headers={} if headers is None else headers)
        for value in (*([] if secret is None else [secret]), *target.headers.values()):
            mask_secrets(appearances(value))
        webhooks = CommerceWebhooks(EmporixApiHook(self.emporix_conn_id), tenant)
        return webhooks.subscribe(event_types, target)

    def test_connection(self) -> tuple[bool, str]:
        """
        Get an API token, where there is an API client; the event secret can't be tested without an event.

        :returns: Whether that succeeded, and a sentence on it for whoever asked.
        """
        untested = (
            "the event secret can't be tested without sending an event, so a wrong one shows when a process is started"
        )
        try:
            settings = self.settings()
            if settings.client_id is None:
                complete = "The connection is complete. It has no Client ID, so no API token was asked for"
                return True, f"{complete}, and {untested}."
            self._obtain_token(settings.api_authentication().test_scheme(), settings.api_url or "", settings.transport)
        except CloudFunctionError as error:
            return False, error.unnamed(self._conn_id)
        if settings.secret is None:
            return True, "The Celonis Platform gave an access token to the Client ID; no event was sent with it."
        return True, f"Emporix gave an API token to the Client ID; {untested}."

    def _send(
        self, event: Event, timeout: float | None, through: Callable[[Request, Sending], Response] | None
    ) -> AcceptedEvent:
        from airflow_provider_cloudfn.client.request import Sending

        send = self.client().request_sync if through is None else through
        try:
            return accepted_event(event, send(event.request(self._path(event)), Sending(timeout)))
        except ResponseError as error:
            return unreadable_acceptance(event, error)

    async def _asend(self, event: Event, timeout: float | None) -> AcceptedEvent:
        from airflow_provider_cloudfn.client.request import Sending

        client = await self.aclient()
        try:
            return accepted_event(event, await client.request(event.request(self._path(event)), Sending(timeout)))
        except ResponseError as error:
            return unreadable_acceptance(event, error)

    def _signed(self, event: Event) -> HttpRequest:
        from airflow_provider_cloudfn.auth.message import HttpRequest

        settings = self.settings()
        request = HttpRequest("POST", _url_of(event, settings), event.headers, event.body)
        if settings.secret is None:
            return request
        return next(self._scheme(settings).flow(request))

    def _scheme(self, settings: EmporixConnection) -> Auth:
        from airflow_provider_cloudfn.auth.hmac_signature import HmacSignatureAuth

        if settings.secret is None:
            return settings.api_authentication().token_scheme(store=configured_token_store())
        return HmacSignatureAuth(settings.secret, settings.signature_header, algorithm="sha256", encoding="base64")

    def _make_client(self, settings: EmporixConnection, scheme: Auth) -> Client:
        from airflow_provider_cloudfn.client.settings import ResponseLimits

        # A redirect to GET would lose the event, and a success there would look like the receiver's.
        limits = ResponseLimits(redirects=0)
        return self._client_for(settings.event_url.rpartition("/")[0], scheme, settings.transport, limits=limits)

    def _path(self, event: Event) -> str:
        return "/" + _url_of(event, self.settings()).rpartition("/")[2]


def _url_of(event: Event, settings: EmporixConnection) -> str:
    return settings.instance_url if event.names_instance else settings.event_url
