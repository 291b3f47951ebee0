"""Emporix' API, or the Celonis Platform's, behind the API client of a connection: the context of an instance."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from airflow_provider_cloudfn.connections.emporix import EmporixConnection
from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.hooks.base import ConnectionHook
from airflow_provider_cloudfn.hooks.token_sharing import configured_token_store

if TYPE_CHECKING:
    from airflow_provider_cloudfn.auth.scheme import Auth
    from airflow_provider_cloudfn.client.client import Client
    from airflow_provider_cloudfn.client.response import Response

__all__ = ["EmporixApiHook"]


class EmporixApiHook(ConnectionHook[EmporixConnection]):
    """
    Ask the API that belongs to a connection of type ``emporix_oe``, with an access token of its API client.

    :param emporix_conn_id: The connection.
    """

    conn_name_attr = "emporix_conn_id"
    conn_type = "emporix_oe"
    settings_class = EmporixConnection

    def process_context(self, instance_id: str | None, *, timeout: float | None = None) -> Response:
        """
        Return the answer whose body is the context of an instance.

        :param instance_id: The instance.
        :param timeout: Seconds for the whole call; default the connection's.
        :raises ConfigurationError: when the connection has no ``context_path``, or no API client.
        :raises CloudFunctionError: when there is no such instance, or it may not be read.
        """
        from airflow_provider_cloudfn.client.request import Request, Sending

        self._refuse_event_loop("process_context", "it in a thread")
        path = self.settings().context_path
        if path is None:
            raise ConfigurationError(
                f"connection {self._conn_id!r}, context_path: is missing; no path to the context of an instance is published: "
                "write the one that your engine has, such as '/contexts/{instance_id}'"
            )
        if not instance_id:
            raise ConfigurationError("instance_id: is missing; write the id of an instance, as its context has it")
        if instance_id in (".", ".."):
            raise ConfigurationError(f"instance_id: {instance_id!r} is no id of an instance, but a step in a path")
        uri = path.replace("{instance_id}", quote(instance_id, safe=""))
        return self.client().request_sync(Request("GET", uri), Sending(timeout))

    def _scheme(self, settings: EmporixConnection) -> Auth:
        return settings.api_authentication().token_scheme(store=configured_token_store())

    def _make_client(self, settings: EmporixConnection, scheme: Auth) -> Client:
        return self._client_for(settings.api_url or "", scheme, settings.transport)
