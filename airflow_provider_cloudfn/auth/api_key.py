"""A key in a header or in the query."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from airflow_provider_cloudfn.auth.header_fields import require_header_name, require_header_value
from airflow_provider_cloudfn.auth.scheme import Auth, AuthFlow
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_cloudfn.auth.message import HttpRequest

__all__ = ["ApiKeyAuth"]


class ApiKeyAuth(Auth):
    """
    A key in a header or in the query.

    :param name: The header's or the parameter's name.
    :param value: The key.
    :param location: ``header`` or ``query``.
    :raises ConfigurationError: for a name or a key that a header can't have, or another location.
    """

    def __init__(self, name: str, value: str, location: Literal["header", "query"] = "header") -> None:
        if location == "header":
            require_header_name(name, "the name of the API key")
            require_header_value(value, "the API key")
        elif location != "query":
            raise ConfigurationError(f"the location of the API key: {location!r} is neither 'header' nor 'query'")
        elif not name or not value:
            raise ConfigurationError("the API key in the query: needs a name and a value")
        self._name = name
        self._value = value
        self._location = location

    @property
    def reserved_headers(self) -> frozenset[str]:
        """The key's own header."""
        return frozenset({self._name.lower()}) if self._location == "header" else frozenset()

    @property
    def reserved_query(self) -> frozenset[str]:
        """The key's own parameter."""
        return frozenset({self._name}) if self._location == "query" else frozenset()

    def secrets(self) -> Iterable[str]:
        """Return the key."""
        return (self._value,)

    def flow(self, request: HttpRequest) -> AuthFlow:
        """Yield the request with the key."""
        if self._location == "header":
            yield request.with_header(self._name, self._value)
        else:
            yield request.with_query(self._name, self._value)
