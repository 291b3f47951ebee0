"""AWS Signature Version 4, for any service."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final, Self

from airflow_provider_cloudfn.connections.form import ExtraField
from airflow_provider_cloudfn.connections.kinds.kind import Authentication, HookServices

if TYPE_CHECKING:
    from airflow_provider_cloudfn.auth.scheme import Auth
    from airflow_provider_cloudfn.auth.sigv4 import AwsKeys
    from airflow_provider_cloudfn.connections.reading import ConnectionReader

__all__ = ["KEY_CONNECTIONS", "AwsSignature"]

#: The types of a connection that has the credentials of another one.
KEY_CONNECTIONS: Final = ("aws", "amazon_connect")

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")


class AwsSignature(Authentication, frozen=True, kw_only=True):
    """
    AWS Signature Version 4, for any service.

    :param service: The name that the service signs with.
    :param region: The region that the service runs in.
    :param key_id: The access key's ID; None takes the credentials from elsewhere.
    :param secret_key: The secret access key that belongs to it.
    :param session_token: Where the access key is a temporary one.
    :param conn_id: An Airflow connection of type ``aws`` that has the credentials.
    """

    _hidden: ClassVar = frozenset({"secret_key", "session_token"})
    kind = "sigv4"
    confidential = "the secret access key"
    # boto3 reads files, and an assumed role is asked for over the network.
    blocks = True
    fields = (
        ExtraField(
            "aws_service",
            "AWS SigV4: Service",
            "The name that the service signs with.",
            example="execute-api",
        ),
        ExtraField(
            "aws_region",
            "AWS SigV4: Region",
            "The region that the service runs in.",
            example="eu-central-1",
        ),
        ExtraField(
            "aws_key_id",
            "AWS SigV4: Access key ID",
            "The secret access key stands in Secret. Without both: what aws_conn_id names, or what boto3 finds.",
            example="AKIAIOSFODNN7EXAMPLE",
        ),
        ExtraField(
            "aws_session_token",
            "AWS SigV4: Session token",
            "For temporary access keys only, those whose ID begins with ASIA: the token that came with the key.",
            kind="secret",
        ),
        ExtraField(
            "aws_conn_id",
            "AWS SigV4: Connection",
            "An Airflow connection of type aws that has the credentials, instead of an access key here.",
            example="aws_default",
        ),
    )

    service: str
    region: str
    key_id: str | None = None
    secret_key: str | None = None
    session_token: str | None = None
    conn_id: str | None = None

    @classmethod
    def read(cls, reader: ConnectionReader) -> Self:
        """Return the settings of a connection."""
        service, region = (reader.required_text(name, "auth_type 'sigv4'") for name in ("aws_service", "aws_region"))
        for name, value in (("aws_service", service), ("aws_region", region)):
            if not _NAME.fullmatch(value):
                raise reader.error(name, "may hold small letters, digits and hyphens only")
        key_id, secret_key, conn_id = reader.text("aws_key_id"), reader.standard("password"), reader.text("aws_conn_id")
        session_token = reader.secret("aws_session_token")
        if secret_key is not None and key_id is None:
            raise reader.error(
                "aws_key_id", "is missing, and the password holds a secret access key; write both, or none"
            )
        if key_id is not None and secret_key is None:
            raise reader.error("password", "is missing, and aws_key_id is given; write the secret access key there")
        if conn_id is not None and key_id is not None:
            raise reader.error("aws_conn_id", "is given, and aws_key_id too: empty one of them")
        if session_token is not None and key_id is None:
            raise reader.error("aws_session_token", "is given without aws_key_id, the access key that it belongs to")
        if secret_key is not None:
            reader.require_clean_password(secret_key)
        return cls(
            service=service,
            region=region,
            key_id=key_id,
            secret_key=secret_key,
            session_token=session_token,
            conn_id=conn_id,
        )

    @property
    def other_connection(self) -> str | None:
        """The id of the connection of type ``aws``."""
        return self.conn_id

    def scheme(self, services: HookServices) -> Auth:
        """Return what signs a request."""
        from airflow_provider_cloudfn.auth.sigv4 import SigV4Auth

        if (keys := self._keys()) is not None:
            return SigV4Auth(lambda: keys, self.service, self.region)
        source = services.aws_key_source(region=self.region, keys=None)
        return SigV4Auth(source, self.service, self.region, source.renewal)

    def test(self, services: HookServices) -> tuple[bool, str]:
        """Ask AWS who is calling."""
        return services.aws_key_source(region=self.region, keys=self._keys()).test()

    def _keys(self) -> AwsKeys | None:
        from airflow_provider_cloudfn.auth.sigv4 import AwsKeys

        if self.key_id is None or self.secret_key is None:
            return None
        return AwsKeys(self.key_id, self.secret_key, self.session_token)
