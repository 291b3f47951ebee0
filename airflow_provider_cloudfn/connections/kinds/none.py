"""No authentication."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from airflow_provider_cloudfn.connections.kinds.kind import Authentication, HookServices

if TYPE_CHECKING:
    from airflow_provider_cloudfn.auth.scheme import Auth
    from airflow_provider_cloudfn.connections.reading import ConnectionReader

__all__ = ["NoAuthentication"]


class NoAuthentication(Authentication, frozen=True, kw_only=True):
    """Nothing is added to a request."""

    kind = "none"

    @classmethod
    def read(cls, reader: ConnectionReader) -> Self:
        """Return the settings; a secret would have no use."""
        reader.require_absent(
            ["password"],
            "auth_type (Authentication type, under Extra Fields) is 'none'; choose there what the secret is for",
        )
        return cls()

    def scheme(self, services: HookServices) -> Auth:
        """Return what leaves a request as it is."""
        from airflow_provider_cloudfn.auth.scheme import NoAuth

        return NoAuth()

    def test(self, services: HookServices) -> tuple[bool, str]:
        """Tell whether the service is there; there are no credentials to prove."""
        response = services.probe()
        return True, f"{response.url} answered {response.status}: the service is there."
