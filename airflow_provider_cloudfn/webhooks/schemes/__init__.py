"""The schemes by which a request proves who sent it: one file for each, and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from airflow_provider_cloudfn.webhooks.schemes.basic import Basic
from airflow_provider_cloudfn.webhooks.schemes.bearer import Bearer
from airflow_provider_cloudfn.webhooks.schemes.emporix_commerce import EmporixCommerce
from airflow_provider_cloudfn.webhooks.schemes.emporix_oe import EmporixEngine
from airflow_provider_cloudfn.webhooks.schemes.github import GitHub
from airflow_provider_cloudfn.webhooks.schemes.hmac import SignedBody
from airflow_provider_cloudfn.webhooks.schemes.jwt import SignedToken
from airflow_provider_cloudfn.webhooks.schemes.slack import Slack
from airflow_provider_cloudfn.webhooks.schemes.standard_webhooks import StandardWebhooks
from airflow_provider_cloudfn.webhooks.schemes.stripe import Stripe

if TYPE_CHECKING:
    from airflow_provider_cloudfn.webhooks.schemes.scheme import Scheme

__all__ = ["SCHEMES"]

#: In the order of the form; the first is the default.
SCHEMES: Final[tuple[type[Scheme], ...]] = (
    StandardWebhooks,
    EmporixEngine,
    EmporixCommerce,
    GitHub,
    Stripe,
    Slack,
    SignedBody,
    Basic,
    Bearer,
    SignedToken,
)
