"""Standard Webhooks (standardwebhooks.com, specification 1.0): a signature over id, time and body of a message."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from typing import TYPE_CHECKING, Final

from airflow_provider_cloudfn.auth.scheme import Auth, AuthFlow
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_cloudfn.auth.message import HttpRequest

__all__ = ["StandardWebhooksAuth", "signing_key", "spellings"]

_ID: Final = "webhook-id"
_TIMESTAMP: Final = "webhook-timestamp"
_SIGNATURE: Final = "webhook-signature"
_PREFIX: Final = "whsec_"


def signing_key(secret: str) -> bytes:
    """
    Return the key that a secret stands for.

    :param secret: ``whsec_`` and base64, as receivers give it out; or the base64 alone.
    :raises ConfigurationError: for what is no base64, or no key.
    """
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise ConfigurationError("is no secret of Standard Webhooks, which is 'whsec_' and base64: copy all of it")
    return key


def spellings(secret: str) -> tuple[str, str]:
    """
    Return a secret with its prefix and without.

    :param secret: As of :func:`signing_key`.
    """
    return secret, secret.removeprefix(_PREFIX)


class StandardWebhooksAuth(Auth):
    """
    HMAC-SHA256 over ``<id>.<seconds since 1970>.<body>``.

    The id is that of the header ``webhook-id``, where the request has one; else the ``ce-id`` of a CloudEvent; else it is made
    of the body. So it is the same each time that a message is sent, and a receiver can tell a repetition by it.

    :param secret: As of :func:`signing_key`.
    :raises ConfigurationError: as there.
    """

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._key = signing_key(secret)

    @property
    def reserved_headers(self) -> frozenset[str]:
        """The headers of the time and of the signature."""
        return frozenset({_TIMESTAMP, _SIGNATURE})

    def secrets(self) -> Iterable[str]:
        """Return the secret, with its prefix and without."""
        return spellings(self._secret)

    def flow(self, request: HttpRequest) -> AuthFlow:
        """Yield the request with its signature."""
        digest = hashlib.sha256(request.body).hexdigest()[:32]
        message_id = request.header(_ID) or request.header("ce-id") or f"msg_{digest}"
        timestamp = str(int(time.time()))
        signed = f"{message_id}.{timestamp}.".encode() + request.body
        signature = base64.b64encode(hmac.new(self._key, signed, "sha256").digest()).decode("ascii")
        request = request.with_header(_ID, message_id).with_header(_TIMESTAMP, timestamp)
        yield request.with_header(_SIGNATURE, f"v1,{signature}")
