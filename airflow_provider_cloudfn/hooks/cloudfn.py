"""The hook of the connection type ``cloudfn``: calls any web service."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.auth.credential_names import query_secrets
from airflow_provider_cloudfn.connections.cloudfn import CloudFunctionConnection
from airflow_provider_cloudfn.connections.cloudfn_form import CLOUDFN_FORM
from airflow_provider_cloudfn.connections.kinds.sigv4 import KEY_CONNECTIONS
from airflow_provider_cloudfn.exceptions import CloudFunctionError, ConfigurationError, ExpressionError, require_truth
from airflow_provider_cloudfn.hooks.missing_connection import missing_connection
from airflow_provider_cloudfn.hooks.request import RequestHook
from airflow_provider_cloudfn.hooks.token_sharing import configured_token_store

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_cloudfn.auth.message import HttpResponse
    from airflow_provider_cloudfn.auth.oauth2 import OAuth2ClientCredentials
    from airflow_provider_cloudfn.auth.scheme import Auth
    from airflow_provider_cloudfn.auth.sigv4 import AwsKeys
    from airflow_provider_cloudfn.auth.token_store import TokenStore
    from airflow_provider_cloudfn.client.client import Client
    from airflow_provider_cloudfn.client.response import Response
    from airflow_provider_cloudfn.connections.kinds.kind import AwsKeySource

__all__ = ["CloudFunctionHook"]

_log = logging.getLogger(__name__)


class CloudFunctionHook(RequestHook[CloudFunctionConnection]):
    """
    Call a web service with the credentials of a connection.

    In a ``@task``::

        order = CloudFunctionHook("shop").request("GET", "/v1/orders/1001").body

    :param cloudfn_conn_id: The connection, of type ``cloudfn``.
    """

    conn_name_attr = "cloudfn_conn_id"
    default_conn_name = "cloudfn_default"
    conn_type = CLOUDFN_FORM.connection_type
    hook_name = CLOUDFN_FORM.title
    settings_class = CloudFunctionConnection

    def __init__(self, cloudfn_conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(cloudfn_conn_id, **kwargs)
        self.cloudfn_conn_id = cloudfn_conn_id

    def scheme(self) -> Auth:
        """
        Return what puts the connection's credentials on a request, for other transports than the client's.

        :raises ConfigurationError: when the connection is wrong.
        """
        return self._scheme(self.settings())

    def test_connection(self) -> tuple[bool, str]:
        """
        Prove the credentials without side effects, each kind of authentication in its own way.

        OAuth 2.0 gets a token; AWS is asked who is calling; any other sends one GET request to ``health_path``, where 401
        and 403 are a failure, and any other answer means that the service is there.
        """
        try:
            settings = self.settings()
            return settings.authentication.test(self._services(settings))
        except CloudFunctionError as error:
            return False, error.unnamed(self._conn_id)

    def _scheme(self, settings: CloudFunctionConnection) -> Auth:
        return settings.authentication.scheme(self._services(settings))

    async def _ascheme(self, settings: CloudFunctionConnection) -> Auth:
        authentication = settings.authentication
        other = authentication.other_connection
        with missing_connection(other or "", "aws_conn_id", KEY_CONNECTIONS):
            services = _Services(self, settings, await self.aget_connection(other) if other else None)
        if authentication.blocks:
            return await asyncio.to_thread(authentication.scheme, services)
        return authentication.scheme(services)

    def _services(self, settings: CloudFunctionConnection) -> _Services:
        other = settings.authentication.other_connection
        with missing_connection(other or "", "aws_conn_id", KEY_CONNECTIONS):
            return _Services(self, settings, self.get_connection(other) if other else None)

    def _make_client(self, settings: CloudFunctionConnection, scheme: Auth) -> Client:
        return self._client_for(
            settings.base_url,
            scheme,
            settings.transport,
            secret_values=settings.secret_values,
            secrets=query_secrets(settings.health_path),
        )


class _Services:
    """What the hook does for the connection's kind of authentication; see :class:`HookServices`."""

    def __init__(self, hook: CloudFunctionHook, settings: CloudFunctionConnection, other_connection: Any) -> None:
        self._hook = hook
        self._settings = settings
        self._other_connection = other_connection

    @property
    def client_certificate(self) -> str | None:
        return self._settings.transport.client_cert

    def token_store(self) -> TokenStore | None:
        return configured_token_store()

    def answer_test(self, field: str, expression: str) -> Callable[[HttpResponse], bool]:
        from airflow_provider_cloudfn import cel

        conn_id, label = self._settings.conn_id, CLOUDFN_FORM.label(field)
        try:
            program = cel.compile(expression, variables=("response",))
        except ExpressionError as error:
            raise ConfigurationError(f", {field} ({label}): {error}", connection=conn_id) from None

        def is_true_of(raw: HttpResponse) -> bool:
            from airflow_provider_cloudfn.client.response import read_response, reads_body

            try:
                response = read_response(raw, "", as_it_came=not reads_body(program.paths))
                return require_truth(program.evaluate({"response": response.as_variable()}))
            except CloudFunctionError as error:
                # The call may have been carried out, and what it answered must not be lost for that.
                _log.warning(
                    "connection %r, %s (%s): taken as false, for it can't be evaluated: %s",
                    conn_id,
                    field,
                    label,
                    error,
                )
                return False

        return is_true_of

    def aws_key_source(self, *, region: str, keys: AwsKeys | None) -> AwsKeySource:
        from airflow_provider_cloudfn.hooks.aws_credentials import aws_keys_for

        return aws_keys_for(self._settings.conn_id, region, keys, self._other_connection)

    def probe(self) -> Response:
        return self._hook.request("GET", self._settings.health_path or "", check_status=False)

    def obtain_token(self, scheme: OAuth2ClientCredentials) -> None:
        self._hook._obtain_token(scheme, self._settings.base_url, self._settings.transport)
