"""Slack: ``X-Slack-Signature``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_cloudfn.webhooks.schemes.proof import keyed_hashes, require_recent, require_secret_match
from airflow_provider_cloudfn.webhooks.schemes.scheme import Scheme

if TYPE_CHECKING:
    import datetime as dt

    from airflow_provider_cloudfn.webhooks.received import ReceivedRequest

__all__ = ["Slack"]


class Slack(Scheme, frozen=True, kw_only=True):
    """HMAC-SHA256 over version, time and body, in hex after ``v0=``. The secret is the app's signing secret."""

    name = "slack"
    proves = "time and body"
    type_expression = "request.body.?event.?type.or(request.body.?type).orValue(null)"
    id_expression = "request.body.?event_id.orValue(null)"
    json_field = "payload"  # so interactions are sent

    def verify(self, request: ReceivedRequest, now: dt.datetime) -> bytes:
        """Return version, time and body, once the signature is theirs."""
        given = request.required_header("x-slack-signature")
        timestamp = request.required_header("x-slack-request-timestamp")
        require_recent(timestamp, now, self.tolerance)
        signed = f"v0:{timestamp}:".encode() + request.body
        hashes = keyed_hashes(self.secrets, signed)
        require_secret_match([b"v0=" + digest.hex().encode() for digest in hashes], [given.encode()])
        return signed
