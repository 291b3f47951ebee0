"""The Emporix Orchestration Engine: ``x-emporix-hmac``, and ``X-Hmac-Signature`` of the other generation."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

from airflow_provider_cloudfn.webhooks.refused import RefusedError
from airflow_provider_cloudfn.webhooks.schemes.proof import keyed_hashes, require_secret_match
from airflow_provider_cloudfn.webhooks.schemes.scheme import Scheme

if TYPE_CHECKING:
    import datetime as dt

    from airflow_provider_cloudfn.webhooks.received import ReceivedRequest

__all__ = ["EmporixEngine"]

_HEADERS: Final = ("x-emporix-hmac", "x-hmac-signature")


class EmporixEngine(Scheme, frozen=True, kw_only=True):
    """HMAC-SHA256 over the body, in base64. Events are CloudEvents in binary mode; their attributes are not signed."""

    name = "emporix_oe"
    proves = "the body"

    def verify(self, request: ReceivedRequest, now: dt.datetime) -> bytes:
        """Return the body, once the signature is its own."""
        given = [value for name in _HEADERS if (value := request.header(name))]
        if not given:
            raise RefusedError(401, "signature_missing")
        if len(given) > 1:
            raise RefusedError(400, "header_twice")
        hashes = keyed_hashes(self.secrets, request.body)
        require_secret_match(map(base64.b64encode, hashes), [given[0].encode()])
        return request.body
