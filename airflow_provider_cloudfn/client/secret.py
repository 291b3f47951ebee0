"""A secret inside a request: a placeholder for a whole value, which is filled in at sending."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from airflow_provider_cloudfn.exceptions import ConfigurationError

__all__ = ["HIDDEN", "Secret", "fill_secrets", "has_secrets", "looked_up", "secret"]

#: How a secret is shown.
HIDDEN = "***"

_SCALARS = frozenset({str, int, float, bool, bytes, type(None)})


class Secret(Struct, frozen=True):
    """
    Stands for a value of the connection's ``secret_values``, everywhere but on the wire.

    :param name: The value's name.
    """

    name: str

    def __str__(self) -> str:
        return HIDDEN

    def __repr__(self) -> str:
        return f"secret({self.name!r})"

    def __format__(self, spec: str) -> str:
        raise TypeError(
            f"{self!r} stands for a whole value, and in an f-string {HIDDEN} would be sent: put the whole text into secret_values"
        )


def secret(name: str) -> Secret:
    """
    Return what stands for a secret of the connection, as a whole value in a body, a query or a header.

    :param name: Its name in the connection's ``secret_values``.
    """
    return Secret(name)


def has_secrets(value: Any) -> bool:
    """
    Return whether a value holds a placeholder, at any depth.

    :param value: What is sent.
    :raises ConfigurationError: for a value that is nested too deep to be sent, such as one that holds itself.
    """
    try:
        return _has_secrets(value)
    except RecursionError:
        pass
    raise ConfigurationError(f"a {type(value).__name__} is nested too deep to be sent, or holds itself")


def _has_secrets(value: Any) -> bool:
    if type(value) in _SCALARS:
        return False
    if isinstance(value, Secret):
        return True
    if isinstance(value, (dict, Mapping)):
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        return False
    for inner in value:  # noqa: SIM110 - a generator would cost as much as all the rest
        if type(inner) not in _SCALARS and _has_secrets(inner):
            return True
    return False


def fill_secrets(value: Any, fill: Callable[[str], str]) -> Any:
    """
    Return a value with its placeholders filled; what has none is returned as it is.

    :param value: What is sent.
    :param fill: Returns the text for a name.
    """
    if isinstance(value, Secret):
        return fill(value.name)
    if not has_secrets(value):
        return value
    if isinstance(value, Mapping):
        return {key: fill_secrets(inner, fill) for key, inner in value.items()}
    return [
        tuple(fill_secrets(part, fill) for part in inner) if isinstance(inner, tuple) else fill_secrets(inner, fill)
        for inner in value
    ]


def looked_up(secret_values: Mapping[str, str]) -> Callable[[str], str]:
    """
    Return what finds a secret by its name.

    :param secret_values: The connection's secrets.
    """

    def find(name: str) -> str:
        try:
            return secret_values[name]
        except KeyError:
            known = ", ".join(repr(other) for other in sorted(secret_values)) or "none"
            raise ConfigurationError(
                f"secret({name!r}): the connection's secret_values have no such name (known: {known})"
            ) from None

    return find
