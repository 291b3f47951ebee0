"""A keyed hash of the body (RFC 2104) in a header, as Emporix and many webhooks want it."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING, Literal

from airflow_provider_cloudfn.auth.header_fields import require_header_name
from airflow_provider_cloudfn.auth.scheme import Auth, AuthFlow
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_cloudfn.auth.message import HttpRequest

__all__ = ["HmacSignatureAuth"]


class HmacSignatureAuth(Auth):
    """
    A keyed hash over the very bytes of the body.

    :param secret: The key, taken as UTF-8.
    :param header: The name of the header that holds the hash.
    :param algorithm: The hash function's name, such as ``sha256``.
    :param encoding: ``base64`` (with padding) or ``hex``.
    :raises ConfigurationError: for a hash function that Python doesn't have or that no keyed hash is made with, another
        encoding, an empty key, or a name that no header has.
    """

    def __init__(
        self, secret: str, header: str, algorithm: str = "sha256", encoding: Literal["base64", "hex"] = "base64"
    ) -> None:
        if not _is_for_signatures(algorithm):
            raise ConfigurationError(
                f"there is no hash function {algorithm!r} for signatures: take sha256, sha512 or sha1"
            )
        if encoding not in ("base64", "hex"):
            raise ConfigurationError(f"the encoding of the signature: {encoding!r} is neither 'base64' nor 'hex'")
        if not secret:
            raise ConfigurationError("the key of the signature: is empty; write the secret that the service gave out")
        require_header_name(header, "the header of the signature")
        self._secret = secret
        self._header = header
        self._algorithm = algorithm
        self._encoding = encoding

    @property
    def reserved_headers(self) -> frozenset[str]:
        """The header of the hash."""
        return frozenset({self._header.lower()})

    def secrets(self) -> Iterable[str]:
        """Return the key."""
        return (self._secret,)

    def sign(self, body: bytes) -> str:
        """
        Return the hash of a body.

        :param body: The bytes that are sent.
        """
        digest = hmac.new(self._secret.encode(), body, self._algorithm).digest()
        return digest.hex() if self._encoding == "hex" else base64.b64encode(digest).decode("ascii")

    def flow(self, request: HttpRequest) -> AuthFlow:
        """
        Yield the request with the hash of its body.

        :param request: The request.
        """
        yield request.with_header(self._header, self.sign(request.body))


def _is_for_signatures(algorithm: str) -> bool:
    try:
        # Those that yield as much as one asks for, such as shake_128, have a size of 0.
        return hashlib.new(algorithm, usedforsecurity=True).digest_size > 0
    except ValueError:
        return False
