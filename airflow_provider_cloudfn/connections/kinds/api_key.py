"""A key in a header or in the query."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Literal, Self, cast

from airflow_provider_cloudfn.connections.form import ExtraField
from airflow_provider_cloudfn.connections.kinds.kind import Authentication, HookServices

if TYPE_CHECKING:
    from airflow_provider_cloudfn.auth.scheme import Auth
    from airflow_provider_cloudfn.connections.reading import ConnectionReader

__all__ = ["ApiKey"]


class ApiKey(Authentication, frozen=True, kw_only=True):
    """
    A key in a header or in the query.

    :param location: ``header`` or ``query``.
    :param name: The header's or the parameter's name.
    :param value: The key.
    """

    _hidden: ClassVar = frozenset({"value"})
    kind = "api_key"
    confidential = "the key's value"
    fields = (
        ExtraField(
            "key_location",
            "API key: Location",
            "Where the key goes in the request.",
            kind="choice",
            choices=("header", "query"),
            default="header",
        ),
        ExtraField(
            "key_name",
            "API key: Name",
            "The name of the header, or of the query parameter, that the service looks for.",
            example="x-api-key",
        ),
    )

    location: Literal["header", "query"]
    name: str
    value: str

    @classmethod
    def read(cls, reader: ConnectionReader) -> Self:
        """Return the settings of a connection."""
        location = cast("Literal['header', 'query']", reader.choice("key_location"))
        name = reader.required_text("key_name", "auth_type 'api_key'")
        if location == "header":
            reader.require_header_name("key_name", name)
        elif not name.isprintable() or re.search(r"[\s&=#]", name):
            raise reader.error(
                "key_name", "holds a character that no query parameter's name should hold; write such as 'api_key'"
            )
        value = reader.required_password("auth_type 'api_key' needs the key's Value there")
        reader.require_clean_password(value, in_header=location == "header")
        reader.require_alone("password", value, re.escape(name) + (r"\s*:\s*" if location == "header" else "="))
        return cls(location=location, name=name, value=value)

    def scheme(self, services: HookServices) -> Auth:
        """Return what puts the key on a request."""
        from airflow_provider_cloudfn.auth.api_key import ApiKeyAuth

        return ApiKeyAuth(self.name, self.value, self.location)
