"""Keeps access tokens for as long as they can be used."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Protocol

__all__ = ["AccessToken", "MemoryTokenStore", "TokenStore"]


@dataclass(frozen=True, slots=True)
class AccessToken:
    """
    What a token endpoint gave.

    :param value: The access token.
    :param type: Such as ``Bearer``.
    :param expires_at: When it expires, in seconds since the epoch; None where the endpoint did not say.
    :param refresh_token: What a new one can be had for.
    """

    value: str = field(repr=False)
    type: str = "Bearer"
    expires_at: float | None = None
    refresh_token: str | None = field(default=None, repr=False)

    def is_fresh(self, skew: float) -> bool:
        """
        Tell whether it can still be used.

        :param skew: How many seconds before its end it counts as expired.
        """
        return self.expires_at is None or time.time() + skew < self.expires_at


class TokenStore(Protocol):
    """Where tokens are kept."""

    def get(self, key: str) -> AccessToken | None:
        """
        Return what was kept, expired or not.

        :param key: What names the credentials; different ones never have the same.
        """

    def put(self, key: str, token: AccessToken) -> None:
        """
        Keep a token.

        :param key: What names the credentials.
        :param token: The token.
        """

    def forget(self, key: str, token: AccessToken) -> None:
        """
        Forget a token that was refused, unless there is another one by now.

        :param key: What names the credentials.
        :param token: The token that was refused.
        """


class MemoryTokenStore:
    """Keeps tokens in this process."""

    def __init__(self) -> None:
        self._tokens: dict[str, AccessToken] = {}

    def get(self, key: str) -> AccessToken | None:
        """
        Return what was kept, expired or not.

        :param key: What names the credentials.
        """
        return self._tokens.get(key)

    def put(self, key: str, token: AccessToken) -> None:
        """
        Keep a token.

        :param key: What names the credentials.
        :param token: The token.
        """
        self._tokens[key] = token

    def forget(self, key: str, token: AccessToken) -> None:
        """
        Forget a token that was refused, unless there is another one by now.

        :param key: What names the credentials.
        :param token: The token that was refused.
        """
        if self._tokens.get(key) == token:
            del self._tokens[key]


#: The tokens of this process.
PROCESS_TOKENS = MemoryTokenStore()
