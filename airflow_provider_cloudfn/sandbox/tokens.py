"""What an OAuth 2.0 authorization server remembers: the access and refresh tokens that it issued."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_cloudfn.sandbox.masking import Masking

__all__ = ["ENGINE_SCOPES", "SCOPES", "AuthorizationServer", "IssuedToken"]

#: What a client of the sandbox may ask for; it gets all of it when it asks for nothing.
SCOPES = ("shop.read", "shop.write")
#: What the client of the process engine in the Celonis Platform may ask for.
ENGINE_SCOPES = ("orchestration-engine",)


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """What a token endpoint answers: an access token, how many seconds it lives, and one to exchange, once, for new ones."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    seconds: int
    scopes: tuple[str, ...]


class AuthorizationServer:
    """
    Issues opaque tokens with a short life.

    :param masking: Is told each token, so that no record shows it.
    :param token_seconds: How long an access token lives, whole seconds.
    :param clock: Seconds that only grow.
    """

    def __init__(self, masking: Masking, token_seconds: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._masking = masking
        self._seconds = token_seconds
        self._clock = clock
        self._access: dict[str, tuple[float, tuple[str, ...]]] = {}
        self._refresh: dict[str, tuple[str, ...]] = {}

    def issue(self, scopes: tuple[str, ...]) -> IssuedToken:
        """Issue a new pair of tokens."""
        now = self._clock()
        self._access = {token: kept for token, kept in self._access.items() if kept[0] > now}
        issued = IssuedToken(secrets.token_hex(24), secrets.token_hex(24), self._seconds, scopes)
        self._access[issued.access_token] = (now + self._seconds, scopes)
        self._refresh[issued.refresh_token] = scopes
        self._masking.add(issued.access_token)
        self._masking.add(issued.refresh_token)
        return issued

    def scopes_of(self, access_token: str) -> tuple[str, ...] | None:
        """Return what an access token is for, or None when it is expired or was never issued."""
        expires, scopes = self._access.get(access_token, (0.0, ()))
        return scopes if self._clock() < expires else None

    def refresh_scopes(self, refresh_token: str) -> tuple[str, ...] | None:
        """Return what a refresh token is for, or None when it was used already or never issued."""
        return self._refresh.get(refresh_token)

    def refresh(self, refresh_token: str, scopes: tuple[str, ...]) -> IssuedToken:
        """
        Exchange a refresh token, which is void from then on, for a new pair.

        :param refresh_token: One for which :meth:`refresh_scopes` has an answer.
        :param scopes: No more than that answer.
        """
        del self._refresh[refresh_token]
        return self.issue(scopes)

    def expire(self) -> None:
        """Let all access tokens be expired from now on; refresh tokens stay good."""
        self._access.clear()

    def forget(self) -> None:
        """Forget all tokens."""
        self._access.clear()
        self._refresh.clear()
