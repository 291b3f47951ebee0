"""Standard Webhooks (standardwebhooks.com, specification 1.0.0), and Svix, which it comes from."""

from __future__ import annotations

import base64
import contextlib
from typing import TYPE_CHECKING

from airflow_provider_cloudfn.auth.standard_webhooks import signing_key, spellings
from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.webhooks.schemes.proof import keyed_hashes, require_recent, require_secret_match
from airflow_provider_cloudfn.webhooks.schemes.scheme import Scheme

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator

    from airflow_provider_cloudfn.webhooks.received import ReceivedRequest

__all__ = ["StandardWebhooks"]


class StandardWebhooks(Scheme, frozen=True, kw_only=True):
    """HMAC-SHA256 over id, time and body, in base64. The secret is base64 after ``whsec_``."""

    name = "standard_webhooks"
    proves = "id, time and body"
    type_expression = "request.body.?type.orValue(null)"
    id_expression = 'request.headers[?"webhook-id"].or(request.headers[?"svix-id"]).orValue(null)'
    signed_headers = frozenset({"webhook-id", "svix-id"})

    def verify(self, request: ReceivedRequest, now: dt.datetime) -> bytes:
        """Return id, time and body, once the signature is theirs."""
        # The id decides, so that what is verified is what the expression above reads.
        family = "webhook" if request.header("webhook-id") is not None else "svix"
        message_id = request.required_header(f"{family}-id")
        timestamp = request.required_header(f"{family}-timestamp")
        signatures = request.required_header(f"{family}-signature").split(" ")
        require_recent(timestamp, now, self.tolerance)
        signed = f"{message_id}.{timestamp}.".encode() + request.body
        expected = [b"v1," + base64.b64encode(digest) for digest in keyed_hashes(_keys(self.secrets), signed)]
        require_secret_match(expected, [signature.encode() for signature in signatures])
        return signed

    def lasting(self, request: ReceivedRequest, proved: bytes) -> bytes:
        """Return id and body."""
        message_id = request.header("webhook-id") or request.required_header("svix-id")
        return f"{message_id}.".encode() + request.body

    def hidden_values(self) -> Iterator[str]:
        """Return the secrets, with their prefix and without."""
        for secret in self.secrets:
            yield from spellings(secret)


def _keys(secrets: Iterable[str]) -> Iterator[bytes]:
    for secret in secrets:
        # What is no key proves nothing; the connection's reading says so.
        with contextlib.suppress(ConfigurationError):
            yield signing_key(secret)
