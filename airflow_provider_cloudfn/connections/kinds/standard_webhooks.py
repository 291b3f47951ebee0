"""The signature of Standard Webhooks (standardwebhooks.com)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from airflow_provider_cloudfn.auth.standard_webhooks import signing_key
from airflow_provider_cloudfn.connections.kinds.kind import Authentication, HookServices
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_cloudfn.auth.scheme import Auth
    from airflow_provider_cloudfn.connections.reading import ConnectionReader

__all__ = ["WebhookSignature"]


class WebhookSignature(Authentication, frozen=True, kw_only=True):
    """
    The signature of Standard Webhooks over id, time and body.

    :param secret: ``whsec_`` and base64.
    """

    _hidden: ClassVar = frozenset({"secret"})
    kind = "standard_webhooks"
    confidential = "the signing secret"

    secret: str

    @classmethod
    def read(cls, reader: ConnectionReader) -> Self:
        """Return the settings of a connection."""
        secret = reader.required_password("auth_type 'standard_webhooks' needs the signing secret there")
        reader.require_clean_password(secret)
        try:
            signing_key(secret)
        except ConfigurationError as error:
            raise reader.error("password", str(error)) from None
        return cls(secret=secret)

    def scheme(self, services: HookServices) -> Auth:
        """Return what puts the signature on a request."""
        from airflow_provider_cloudfn.auth.standard_webhooks import StandardWebhooksAuth

        return StandardWebhooksAuth(self.secret)
