"""A token that was given once and for all (RFC 6750)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from airflow_provider_cloudfn.auth.header_fields import BEFORE_TOKEN
from airflow_provider_cloudfn.connections.kinds.kind import Authentication, HookServices

if TYPE_CHECKING:
    from airflow_provider_cloudfn.auth.scheme import Auth
    from airflow_provider_cloudfn.connections.reading import ConnectionReader

__all__ = ["BearerToken"]


class BearerToken(Authentication, frozen=True, kw_only=True):
    """
    A token that was given once and for all (RFC 6750).

    :param token: The token.
    """

    _hidden: ClassVar = frozenset({"token"})
    kind = "bearer"
    confidential = "the token"

    token: str

    @classmethod
    def read(cls, reader: ConnectionReader) -> Self:
        """Return the settings of a connection."""
        token = reader.required_password("auth_type 'bearer' needs the token there")
        reader.require_clean_password(token, in_header=True)
        reader.require_alone("password", token, BEFORE_TOKEN)
        return cls(token=token)

    def scheme(self, services: HookServices) -> Auth:
        """Return what puts the token on a request."""
        from airflow_provider_cloudfn.auth.bearer import BearerAuth

        return BearerAuth(self.token)
