"""A keyed hash of the body (RFC 2104) in a header, as Emporix and many webhooks want it, perhaps with a timestamp."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from typing import TYPE_CHECKING, Literal

from airflow_provider_cloudfn.auth.header_fields import require_header_name
from airflow_provider_cloudfn.auth.scheme import Auth, AuthFlow
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_cloudfn.auth.message import HttpRequest

__all__ = ["HmacSignatureAuth", "template_fault"]

_BLANK = re.compile(r"\{[^{}]*\}")


class HmacSignatureAuth(Auth):
    """
    A keyed hash over the very bytes of the body.

    :param secret: The key, taken as UTF-8.
    :param header: The name of the header that holds the hash.
    :param algorithm: The hash function's name, such as ``sha256``.
    :param encoding: ``base64`` (with padding) or ``hex``.
    :param written: What the header holds: text with ``{signature}``, perhaps with ``{timestamp}``, in seconds since 1970.
    :param signed: What is hashed: text with ``{body}``, perhaps with ``{timestamp}``.
    :param timestamp_header: The name of a header that holds the timestamp alone.
    :raises ConfigurationError: for a hash function that Python doesn't have or that no keyed hash is made with, another
        encoding, an empty key, a name that no header has, or a text whose blanks are others.
    """

    def __init__(
        self,
        secret: str,
        header: str,
        algorithm: str = "sha256",
        encoding: Literal["base64", "hex"] = "base64",
        *,
        written: str = "{signature}",
        signed: str = "{body}",
        timestamp_header: str | None = None,
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
        if timestamp_header:
            require_header_name(timestamp_header, "the header of the timestamp")
        for template, needed in ((written, "signature"), (signed, "body")):
            if fault := template_fault(template, needed):
                raise ConfigurationError(f"the signature: {fault}")
        self._secret = secret
        self._header = header
        self._algorithm = algorithm
        self._encoding = encoding
        self._written = written
        self._signed = signed
        self._timestamp_header = timestamp_header

    @property
    def reserved_headers(self) -> frozenset[str]:
        """The headers of the hash and of the timestamp."""
        return frozenset(name.lower() for name in (self._header, self._timestamp_header) if name)

    def secrets(self) -> Iterable[str]:
        """Return the key."""
        return (self._secret,)

    def sign(self, content: bytes) -> str:
        """Return the hash of some bytes."""
        digest = hmac.new(self._secret.encode(), content, self._algorithm).digest()
        return digest.hex() if self._encoding == "hex" else base64.b64encode(digest).decode("ascii")

    def flow(self, request: HttpRequest) -> AuthFlow:
        """Yield the request with the hash of its body."""
        timestamp = str(int(time.time()))
        before, _, behind = self._signed.replace("{timestamp}", timestamp).partition("{body}")
        signature = self.sign(before.encode() + request.body + behind.encode())
        value = self._written.replace("{timestamp}", timestamp).replace("{signature}", signature)
        request = request.with_header(self._header, value)
        yield request.with_header(self._timestamp_header, timestamp) if self._timestamp_header else request


def template_fault(template: str, needed: str) -> str | None:
    """
    Return what is wrong with a text that says what is signed, or how the signature is written; None if nothing is.

    :param needed: The blank that it must have once, ``body`` or ``signature``; it may have ``{timestamp}`` besides.
    """
    blanks = _BLANK.findall(template)
    wrong = [blank for blank in blanks if blank not in (f"{{{needed}}}", "{timestamp}")]
    if wrong:
        return f"got {wrong[0]}; the blanks are {{{needed}}} and {{timestamp}}"
    if blanks.count(f"{{{needed}}}") != 1:
        return f"must have {{{needed}}} in it, once"
    # What is signed is sent nowhere, and may have line breaks: some services want them between its parts.
    if needed == "signature" and not all(" " <= character <= "~" for character in template):
        return "holds a character that no header can carry; write ASCII letters, digits and signs"
    return None


def _is_for_signatures(algorithm: str) -> bool:
    try:
        # Those that yield as much as one asks for, such as shake_128, have a size of 0.
        return hashlib.new(algorithm, usedforsecurity=True).digest_size > 0
    except ValueError:
        return False
