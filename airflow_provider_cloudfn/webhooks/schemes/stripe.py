"""Stripe: ``Stripe-Signature``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_cloudfn.webhooks.refused import RefusedError
from airflow_provider_cloudfn.webhooks.schemes.proof import keyed_hashes, require_recent, require_secret_match
from airflow_provider_cloudfn.webhooks.schemes.scheme import Scheme

if TYPE_CHECKING:
    import datetime as dt

    from airflow_provider_cloudfn.webhooks.received import ReceivedRequest

__all__ = ["Stripe"]


class Stripe(Scheme, frozen=True, kw_only=True):
    """HMAC-SHA256 over time and body, in hex: ``t=…,v1=…``, with a ``v1`` for each secret that holds at Stripe."""

    name = "stripe"
    proves = "time and body"
    type_expression = "request.body.?type.orValue(null)"
    id_expression = "request.body.?id.orValue(null)"

    def verify(self, request: ReceivedRequest, now: dt.datetime) -> bytes:
        """Return time and body, once a signature is theirs."""
        # Who joins the values of a header anew, as a proxy may, puts a space behind each comma.
        parts = [part.strip().partition("=") for part in request.required_header("stripe-signature").split(",")]
        times = [value for name, _, value in parts if name == "t"]
        given = [value.encode() for name, _, value in parts if name == "v1"]
        if len(times) != 1 or not given:
            raise RefusedError(401, "signature_wrong")
        require_recent(times[0], now, self.tolerance)
        signed = f"{times[0]}.".encode() + request.body
        hashes = keyed_hashes(self.secrets, signed)
        require_secret_match([digest.hex().encode() for digest in hashes], given)
        return signed
