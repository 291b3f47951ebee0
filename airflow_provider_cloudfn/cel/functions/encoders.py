"""The encoders library, as cel-go's: base64 of RFC 4648. Ours: ``base64.encodeUrl``, and decoding base64url."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from airflow_provider_cloudfn.cel.faults import Fault
from airflow_provider_cloudfn.cel.registry import function

if TYPE_CHECKING:
    from airflow_provider_cloudfn.cel.limits import Budget

__all__: list[str] = []


@function("base64.encode", "bytes")
def encode(budget: Budget, data: bytes) -> str:
    budget.text(4 * len(data) // 3 + 4)
    return base64.b64encode(data).decode("ascii")


@function("base64.encodeUrl", "bytes")
def encode_url(budget: Budget, data: bytes) -> str:
    """Return the bytes as base64url (RFC 4648, section 5) without padding, as in a JWT."""
    budget.text(4 * len(data) // 3 + 4)
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")


@function("base64.decode", "string")
def decode(budget: Budget, text: str) -> bytes:
    """Return the bytes, of base64 or of base64url, which has ``-`` and ``_``; the padding may be left out."""
    budget.text(len(text))
    if "-" in text or "_" in text:
        if "+" in text or "/" in text:
            raise Fault("base64.decode() got text that mixes the alphabets of base64 and base64url")
        text = text.replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise Fault("base64.decode() got text that is not base64") from None
