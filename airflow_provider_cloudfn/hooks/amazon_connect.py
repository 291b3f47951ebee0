"""The hook of the connection type ``amazon_connect``: calls Amazon Connect, signed with AWS Signature Version 4."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.connections.amazon_connect import AmazonConnectConnection
from airflow_provider_cloudfn.exceptions import CloudFunctionError
from airflow_provider_cloudfn.hooks.request import RequestHook

if TYPE_CHECKING:
    from airflow_provider_cloudfn.auth.scheme import Auth
    from airflow_provider_cloudfn.client.client import Client
    from airflow_provider_cloudfn.hooks.aws_credentials import AwsCredentialSource

__all__ = ["AmazonConnectHook"]

#: What Amazon Connect's requests are signed for.
_SERVICE = "connect"


class AmazonConnectHook(RequestHook[AmazonConnectConnection]):
    """
    Call Amazon Connect's API with the credentials of a connection.

    In a ``@task``::

        AmazonConnectHook().request("PUT", "/contact/task", json={"InstanceId": "…", "Name": "Call back"})

    :param amazon_connect_conn_id: The connection, of type ``amazon_connect``.
    """

    conn_name_attr = "amazon_connect_conn_id"
    default_conn_name = "amazon_connect_default"
    conn_type = "amazon_connect"
    hook_name = "Amazon Connect"
    settings_class = AmazonConnectConnection

    def __init__(self, amazon_connect_conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(amazon_connect_conn_id, **kwargs)
        self.amazon_connect_conn_id = amazon_connect_conn_id

    def test_connection(self) -> tuple[bool, str]:
        """Ask AWS who is calling, which needs no permission and changes nothing."""
        try:
            settings = self.settings()
            return _source(settings).test(settings.sts_endpoint_url)
        except CloudFunctionError as error:
            return False, error.unnamed(self._conn_id)

    def _scheme(self, settings: AmazonConnectConnection) -> Auth:
        from airflow_provider_cloudfn.auth.sigv4 import SigV4Auth

        source = _source(settings)
        return SigV4Auth(source, _SERVICE, settings.region, source.renewal)

    async def _ascheme(self, settings: AmazonConnectConnection) -> Auth:
        # boto3 reads files, and an assumed role is asked for over the network.
        return await asyncio.to_thread(self._scheme, settings)

    def _make_client(self, settings: AmazonConnectConnection, scheme: Auth) -> Client:
        return self._client_for(settings.base_url, scheme, settings.transport)


def _source(settings: AmazonConnectConnection) -> AwsCredentialSource:
    from airflow_provider_cloudfn.hooks.aws_credentials import AwsCredentialSource

    return AwsCredentialSource(
        conn_id=settings.conn_id,
        login=settings.access_key_id,
        password=settings.secret_access_key,
        extra=settings.extra,
        region=settings.region,
    )
