"""The kinds of authentication that a connection of type ``cloudfn`` can have: one file for each, and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from airflow_provider_cloudfn.connections.kinds.api_key import ApiKey
from airflow_provider_cloudfn.connections.kinds.basic import BasicCredentials
from airflow_provider_cloudfn.connections.kinds.bearer import BearerToken
from airflow_provider_cloudfn.connections.kinds.hmac import HmacSignature
from airflow_provider_cloudfn.connections.kinds.none import NoAuthentication
from airflow_provider_cloudfn.connections.kinds.oauth2 import OAuth2
from airflow_provider_cloudfn.connections.kinds.sigv4 import AwsSignature
from airflow_provider_cloudfn.connections.kinds.standard_webhooks import WebhookSignature

if TYPE_CHECKING:
    from airflow_provider_cloudfn.connections.kinds.kind import Authentication

__all__ = ["KINDS"]

#: In the order of the form; the first is the default.
KINDS: Final[tuple[type[Authentication], ...]] = (
    NoAuthentication,
    ApiKey,
    OAuth2,
    BasicCredentials,
    BearerToken,
    AwsSignature,
    HmacSignature,
    WebhookSignature,
)
