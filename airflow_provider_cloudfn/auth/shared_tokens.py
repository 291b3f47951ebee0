"""
Tokens that processes share: what every store of them has in common, whatever it keeps them in.

What names the credentials follows from the client secret (see :attr:`OAuth2ClientCredentials.key`), and a token's name in the
store and its encryption key follow from that: who can't log in can't read it, nor tell whose it is. Whatever is wrong with
the store, or with what lies there, is as if nothing were there.
"""

from __future__ import annotations

import json
import os
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import asdict

from airflow_provider_cloudfn.auth.token_store import PROCESS_TOKENS, AccessToken, MemoryTokenStore

if TYPE_CHECKING:
    from airflow_provider_cloudfn.auth.token_lock import TokenLock

__all__ = ["LARGEST_SEALED_TOKEN", "UNKNOWN_LIFETIME", "SharedTokenStore", "sealed_name"]

#: How many bytes of a sealed token are read at most.
LARGEST_SEALED_TOKEN: Final = 256 * 1024
#: For so many seconds a token is kept whose endpoint did not say how long it lives.
UNKNOWN_LIFETIME: Final = 3600.0

_MAGIC = b"cloudfn-token-1\n"
_NONCE = 12
#: Seconds before its end from which on another process may have a newer one.
_SOON = 60.0


class SharedTokenStore(ABC):
    """
    Keeps tokens in this process, and sealed where other processes find them.

    :param memory: Where this process keeps them.
    """

    def __init__(self, memory: MemoryTokenStore | None = None) -> None:
        self._memory = PROCESS_TOKENS if memory is None else memory

    def get(self, key: str) -> AccessToken | None:
        """
        Return what was kept, expired or not; of two the one that lives longer.

        :returns: The token; None where there is none.
        """
        known = self._memory.get(key)
        if known is not None and known.is_fresh(_SOON):
            return known
        sealed = self._read(key)
        found = None if sealed is None else _unsealed(key, sealed)
        if found is None or (known is not None and not _outlives(found, known)):
            return known
        self._memory.put(key, found)
        return found

    def put(self, key: str, token: AccessToken) -> None:
        """Keep a token."""
        self._memory.put(key, token)
        self._write(key, _sealed(key, token), token)

    def forget(self, key: str, token: AccessToken) -> None:
        """
        Forget a token that was refused, unless there is another one by now.

        :param token: The token that was refused.
        """
        self._memory.forget(key, token)
        sealed = self._read(key)
        if sealed is not None and _unsealed(key, sealed) == token:
            self._remove(key, sealed)

    @abstractmethod
    def lock(self, key: str) -> TokenLock:
        """
        Return the right to fetch a token, which one of all who share the store has at a time.

        :returns: The lock, not taken yet.
        """

    @abstractmethod
    def _read(self, key: str) -> bytes | None:
        """Return what is kept under a key, at most :data:`LARGEST_SEALED_TOKEN` bytes; None where nothing can be read."""

    @abstractmethod
    def _write(self, key: str, sealed: bytes, token: AccessToken) -> None:
        """Keep a sealed token, if that can be done."""

    @abstractmethod
    def _remove(self, key: str, sealed: bytes) -> None:
        """Remove what is kept under a key, if that can be done and it is still this."""


def sealed_name(key: str) -> str:
    """
    Return the name of a token in a store, from which nobody can tell whose it is.

    :returns: 32 hexadecimal digits.
    """
    return _derived(key, b"name")[:16].hex()


def _outlives(token: AccessToken, other: AccessToken) -> bool:
    return (token.expires_at or float("inf")) > (other.expires_at or float("inf"))


def _derived(key: str, purpose: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

    return HKDFExpand(algorithm=SHA256(), length=32, info=b"cloudfn token " + purpose).derive(key.encode())


def _sealed(key: str, token: AccessToken) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(_NONCE)
    plain = json.dumps({**asdict(token), "kept_at": time.time()}).encode()
    return _MAGIC + nonce + AESGCM(_derived(key, b"encryption")).encrypt(nonce, plain, _MAGIC)


def _unsealed(key: str, content: bytes) -> AccessToken | None:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    sealed = content.removeprefix(_MAGIC)
    if sealed == content or len(sealed) <= _NONCE:
        return None
    try:
        plain = AESGCM(_derived(key, b"encryption")).decrypt(sealed[:_NONCE], sealed[_NONCE:], _MAGIC)
        fields: dict[str, Any] = json.loads(plain)
        kept_at = float(fields.pop("kept_at"))
        token = AccessToken(**fields)
    except (InvalidTag, ValueError, TypeError, KeyError, AttributeError):
        return None
    if token.expires_at is None and not 0 <= time.time() - kept_at < UNKNOWN_LIFETIME:
        return None
    return token
