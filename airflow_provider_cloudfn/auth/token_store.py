"""Keeps access tokens for as long as they can be used."""

from __future__ import annotations

import os
import threading
import time
from contextvars import ContextVar
from typing import ClassVar, Literal, Protocol, TypeAlias

from airflow_provider_cloudfn.auth.redacted import Redacted
from airflow_provider_cloudfn.auth.token_lock import ProcessLock, TokenLock

__all__ = ["PROCESS_TOKENS", "TOKEN_SOURCE", "AccessToken", "MemoryTokenStore", "TokenSource", "TokenStore"]

#: Where an access token came from, from the cheapest on: this process had it; others share it; it was asked for.
TokenSource: TypeAlias = Literal["kept", "shared", "fetched"]
#: Where the token came from of the request that is sent in this context; None where it has none.
TOKEN_SOURCE: ContextVar[TokenSource | None] = ContextVar("cloudfn_token_source", default=None)


class AccessToken(Redacted, frozen=True):
    """
    What a token endpoint gave.

    :param value: The access token.
    :param type: Such as ``Bearer``.
    :param expires_at: When it expires, in seconds since the epoch; None where the endpoint did not say.
    :param refresh_token: What a new one can be had for.
    :param lifetime: How many seconds it was given for; None where the endpoint did not say.
    """

    _hidden: ClassVar = frozenset({"value", "refresh_token"})

    value: str
    type: str = "Bearer"
    expires_at: float | None = None
    refresh_token: str | None = None
    lifetime: float | None = None

    def is_fresh(self, skew: float) -> bool:
        """
        Tell whether it can still be used.

        :param skew: How many seconds before its end it counts as expired, at most half of its lifetime.
        """
        if self.expires_at is None:
            return True
        if self.lifetime is not None:
            skew = min(skew, self.lifetime / 2)
        return time.time() + skew < self.expires_at


class TokenStore(Protocol):
    """Where tokens are kept."""

    def get(self, key: str) -> AccessToken | None:
        """
        Return what was kept, expired or not.

        :param key: What names the credentials; different ones never have the same.
        """

    def put(self, key: str, token: AccessToken) -> None:
        """Keep a token."""

    def forget(self, key: str, token: AccessToken) -> None:
        """
        Forget a token that was refused, unless there is another one by now.

        :param token: The token that was refused.
        """

    def lock(self, key: str) -> TokenLock:
        """Return the right to fetch a token, which one at a time has."""


class MemoryTokenStore:
    """Keeps tokens in this process."""

    def __init__(self) -> None:
        self._tokens: dict[str, AccessToken] = {}
        self._locks: dict[str, threading.Lock] = {}

    def get(self, key: str) -> AccessToken | None:
        """Return what was kept, expired or not."""
        return self._tokens.get(key)

    def put(self, key: str, token: AccessToken) -> None:
        """Keep a token."""
        self._tokens[key] = token

    def forget(self, key: str, token: AccessToken) -> None:
        """
        Forget a token that was refused, unless there is another one by now.

        :param token: The token that was refused.
        """
        if self._tokens.get(key) == token:
            del self._tokens[key]

    def lock(self, key: str) -> TokenLock:
        """Return the right to fetch a token, which one at a time has."""
        # setdefault is atomic: two threads get the same lock.
        return ProcessLock(self._locks.setdefault(key, threading.Lock()))

    def free_locks(self) -> None:
        """Make all locks free, as they are in a process that was forked: who had them goes on in the other one alone."""
        self._locks.clear()


#: The tokens of this process.
PROCESS_TOKENS = MemoryTokenStore()
os.register_at_fork(after_in_child=PROCESS_TOKENS.free_locks)
