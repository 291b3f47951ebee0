"""The hook of the connection type ``cloudfn``: calls any web service."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.connections.authentication import AwsSignature, NoAuthentication, OAuth2
from airflow_provider_cloudfn.connections.cloudfn import CloudFunctionConnection
from airflow_provider_cloudfn.exceptions import CloudFunctionError
from airflow_provider_cloudfn.hooks.renewal import refusal_predicate
from airflow_provider_cloudfn.hooks.request import RequestHook
from airflow_provider_cloudfn.hooks.token_store import configured_token_store

if TYPE_CHECKING:
    from airflow_provider_cloudfn.auth.scheme import Auth
    from airflow_provider_cloudfn.client.client import Client
    from airflow_provider_cloudfn.connections.authentication import PlainAuthentication

__all__ = ["CloudFunctionHook"]


class CloudFunctionHook(RequestHook[CloudFunctionConnection]):
    """
    Call a web service with the credentials of a connection.

    In a ``@task``::

        order = CloudFunctionHook("shop").request("GET", "/v1/orders/1001").body

    :param cloudfn_conn_id: The connection, of type ``cloudfn``.
    """

    conn_name_attr = "cloudfn_conn_id"
    default_conn_name = "cloudfn_default"
    conn_type = "cloudfn"
    hook_name = "Cloud Function (Custom)"
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
        Prove the credentials without side effects.

        OAuth 2.0 gets a token; AWS is asked who is calling; any other sends one GET request to ``health_path``, where 401
        and 403 are a failure, and any other answer means that the service is there.
        """
        try:
            settings = self.settings()
            if isinstance(settings.authentication, OAuth2):
                self._get_token(settings.authentication, settings.base_url, settings.transport)
                return True, f"The token endpoint {settings.authentication.token_url} gave an access token."
            if isinstance(settings.authentication, AwsSignature):
                from airflow_provider_cloudfn.hooks.aws_credentials import source_for_signature

                signature = settings.authentication
                return source_for_signature(self._conn_id, signature, self._amazon_connection(signature)).test()
            return self._test_health(settings)
        except CloudFunctionError as error:
            return False, str(error)

    def _test_health(self, settings: CloudFunctionConnection) -> tuple[bool, str]:
        response = self.request("GET", settings.health_path or "", check_status=False)
        if response.status in (401, 403) and not isinstance(settings.authentication, NoAuthentication):
            return False, (
                f"{response.url} answered {response.status}: it does not accept the credentials. If it is no address that "
                "they are good for, write another one in health_path."
            )
        refused = (
            "" if isinstance(settings.authentication, NoAuthentication) else ", and did not refuse the credentials"
        )
        return True, f"{response.url} answered {response.status}: the service is there{refused}."

    def _scheme(self, settings: CloudFunctionConnection) -> Auth:
        if isinstance(settings.authentication, AwsSignature):
            signature = settings.authentication
            return _aws_scheme(self._conn_id, signature, self._amazon_connection(signature))
        return self._plain_scheme(settings.authentication, settings.transport.client_cert)

    async def _ascheme(self, settings: CloudFunctionConnection) -> Auth:
        if isinstance(settings.authentication, AwsSignature):
            signature = settings.authentication
            conn = await self.aget_connection(signature.conn_id) if signature.conn_id else None
            # boto3 reads files, and an assumed role is asked for over the network.
            return await asyncio.to_thread(_aws_scheme, self._conn_id, signature, conn)
        return self._plain_scheme(settings.authentication, settings.transport.client_cert)

    def _plain_scheme(self, authentication: PlainAuthentication, certificate: str | None) -> Auth:
        if not isinstance(authentication, OAuth2):
            return authentication.scheme()
        written = authentication.renew_when
        return authentication.scheme(
            renew_when=None if written is None else refusal_predicate(self._conn_id, written),
            store=configured_token_store(),
            certificate=certificate,
        )

    def _amazon_connection(self, signature: AwsSignature) -> Any:
        return self.get_connection(signature.conn_id) if signature.conn_id else None

    def _make_client(self, settings: CloudFunctionConnection, scheme: Auth) -> Client:
        return self._client_for(settings.base_url, scheme, settings.transport, secret_values=settings.secret_values)


def _aws_scheme(conn_id: str, signature: AwsSignature, amazon_connection: Any) -> Auth:
    from airflow_provider_cloudfn.auth.sigv4 import SigV4Auth
    from airflow_provider_cloudfn.hooks.aws_credentials import AwsKeys, source_for_signature

    if signature.key_id is not None and signature.secret_key is not None:
        keys = AwsKeys(signature.key_id, signature.secret_key, signature.session_token)
        return SigV4Auth(lambda: keys, signature.service, signature.region)
    source = source_for_signature(conn_id, signature, amazon_connection)
    return SigV4Auth(source, signature.service, signature.region)
