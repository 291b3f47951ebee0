"""Where a host's name leads is looked at once, and the connection made to exactly those addresses: no rebinding between."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from aiohttp.abc import AbstractResolver, ResolveResult

from airflow_provider_cloudfn.client.daemon_thread import in_daemon_thread
from airflow_provider_cloudfn.client.time_split import STOPWATCH
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["GuardedResolver", "refuse_host"]

_NUMERIC = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV


class GuardedResolver(AbstractResolver):
    """
    Resolves names, and refuses those that lead to an address which may not be talked to.

    A look-up that hangs, as the system's do for half a minute when a name server is silent, holds up neither the end of the
    call nor that of its event loop.

    :param is_allowed: Whether an IP address may be talked to; None for any.
    """

    def __init__(self, is_allowed: Callable[[str], bool] | None = None) -> None:
        self._is_allowed = is_allowed

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """
        Return the addresses of a name. One that may not be talked to refuses them all.

        :param family: IPv4, IPv6 or either.
        :raises ConfigurationError: when it leads to an address that may not be talked to.
        :raises OSError: when the name leads nowhere.
        """
        if (watch := STOPWATCH.get()) is not None:
            watch.turn_to("name")
        found = await in_daemon_thread(lambda: _look_up(host, port, family), "cloudfn-resolver")
        if watch is not None:
            watch.turn_to("connect")
        if self._is_allowed is not None:
            for entry in found:
                _refuse(entry["host"], self._is_allowed)
        return found

    async def close(self) -> None:
        """Close nothing: there is nothing open."""


def refuse_host(host: str, is_allowed: Callable[[str], bool]) -> None:
    """
    Refuse a host that is known by itself to be one which may not be talked to.

    That is an address, which is never resolved, or a name that a proxy would resolve.

    :param host: A name or an address.
    :param is_allowed: Whether a host may be talked to.
    :raises ConfigurationError: for one that may not be talked to.
    """
    _refuse(host.rstrip("."), is_allowed)


def _refuse(address: str, is_allowed: Callable[[str], bool]) -> None:
    if not is_allowed(address):
        raise ConfigurationError(
            f"the connection's host leads to {address}, which its address_guard refuses; if it is meant, set "
            "address_guard to 'off'"
        )


def _look_up(host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
    found: list[ResolveResult] = []
    flags = socket.AI_ADDRCONFIG
    for kind, _, protocol, _, address in socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=flags):
        where: tuple[Any, ...] = address
        # A link-local IPv6 address means nothing without its interface.
        scoped = kind == socket.AF_INET6 and len(where) == 4 and where[3]
        text = socket.getnameinfo(address, socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)[0] if scoped else where[0]
        found.append(
            ResolveResult(hostname=host, host=str(text), port=port, family=kind, proto=protocol, flags=int(_NUMERIC))
        )
    return found
