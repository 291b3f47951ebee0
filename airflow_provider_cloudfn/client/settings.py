"""How long a request may take and how much an answer may bring: never without a bound."""

from __future__ import annotations

from msgspec import Struct

from airflow_provider_cloudfn.exceptions import ConfigurationError

__all__ = ["ResponseLimits", "Timeouts"]


class Timeouts(Struct, frozen=True):
    """
    How many seconds each part of a request may take.

    :param connect: Until a connection is made, TLS included.
    :param read: That the service may stay silent; None for as long as the whole call may take.
    :param total: The whole call: redirects and token requests included.
    """

    connect: float = 10.0
    read: float | None = None
    total: float = 60.0

    def __post_init__(self) -> None:
        for name in ("connect", "read", "total"):
            value = getattr(self, name)
            if value is None and name == "read":
                continue
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf"):
                raise ConfigurationError(f"the {name} timeout must be seconds above 0, not {value!r}")


class ResponseLimits(Struct, frozen=True):
    """
    How much an answer may bring.

    :param body: The largest body in bytes, after decompression.
    :param redirects: How many redirects are followed, all of them within the origin; with 0 a redirect is the answer.
    """

    body: int = 50 * 1024 * 1024
    redirects: int = 5
