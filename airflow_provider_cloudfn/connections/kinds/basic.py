"""User name and password (RFC 7617)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from airflow_provider_cloudfn.auth.basic import basic_credentials, before_credentials
from airflow_provider_cloudfn.connections.form import ExtraField
from airflow_provider_cloudfn.connections.kinds.kind import Authentication, HookServices

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_cloudfn.auth.scheme import Auth
    from airflow_provider_cloudfn.connections.reading import ConnectionReader

__all__ = ["BasicCredentials"]


class BasicCredentials(Authentication, frozen=True, kw_only=True):
    """
    User name and password (RFC 7617).

    :param username: The user's name, without a colon; empty where the password alone is the key, as some services have it.
    :param password: The user's password; empty where the user name alone is the key.
    """

    _hidden: ClassVar = frozenset({"username", "password"})
    kind = "basic"
    confidential = "the password"
    fields = (
        ExtraField(
            "username",
            "Basic: User name",
            "Sent with the password, which stands in Secret. Some services take their key as user name, and no password; for "
            'those that take it as password, and no user name, write "" in the extra JSON.',
            example="airflow",
        ),
    )

    username: str
    password: str

    @classmethod
    def read(cls, reader: ConnectionReader) -> Self:
        """Return the settings of a connection."""
        is_nobody = reader.is_empty("username")
        username = "" if is_nobody else reader.required_text("username", "auth_type 'basic'")
        if ":" in username or not username.isprintable():
            raise reader.error(
                "username", "holds a colon or a control character, which no user name can hold (RFC 7617)"
            )
        password = reader.standard("password") or ""
        if is_nobody and not password:
            raise reader.error("password", "is missing, and username is empty; write the key that the service gave out")
        reader.require_alone("password", password, before_credentials(username))
        return cls(username=username, password=password)

    def secrets(self) -> Iterator[str]:
        """Return the password, or the user name that is a key, and what becomes of it in the header."""
        yield self.password or self.username
        yield from basic_credentials(self.username, self.password)

    def scheme(self, services: HookServices) -> Auth:
        """Return what puts user name and password on a request."""
        from airflow_provider_cloudfn.auth.basic import BasicAuth

        return BasicAuth(self.username, self.password)
