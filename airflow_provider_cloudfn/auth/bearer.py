"""A token that was given once and for all (RFC 6750)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_cloudfn.auth.header_fields import require_header_value
from airflow_provider_cloudfn.auth.scheme import Auth, AuthFlow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_cloudfn.auth.message import HttpRequest

__all__ = ["BearerAuth"]


class BearerAuth(Auth):
    """
    A bearer token that never changes.

    :param token: The token.
    :raises ConfigurationError: for one that a header can't have.
    """

    def __init__(self, token: str) -> None:
        require_header_value(token, "the bearer token")
        self._token = token

    @property
    def reserved_headers(self) -> frozenset[str]:
        """The header of the token."""
        return frozenset({"authorization"})

    def secrets(self) -> Iterable[str]:
        """Return the token."""
        return (self._token,)

    def flow(self, request: HttpRequest) -> AuthFlow:
        """Yield the request with the token."""
        yield request.with_header("Authorization", f"Bearer {self._token}")
