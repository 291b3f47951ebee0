"""How events to and from the Orchestration Engine are signed."""

from __future__ import annotations

import base64
import hashlib
import hmac

__all__ = ["SIGNATURE_HEADER", "signature"]

SIGNATURE_HEADER = "x-emporix-hmac"


def signature(secret: str, content: bytes) -> str:
    """Return ``x-emporix-hmac``: base64 of the HMAC-SHA256 of exactly these bytes."""
    return base64.b64encode(hmac.new(secret.encode(), content, hashlib.sha256).digest()).decode()
