"""Where a host's name leads is looked at once, and the connection made to exactly those addresses: no rebinding between."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp.abc import AbstractResolver

from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

__all__ = ["GuardedResolver", "refuse_literal_address"]


class GuardedResolver(AbstractResolver):
    """
    Resolves names, and refuses those that lead to an address which may not be talked to.

    :param is_allowed: Whether an IP address may be talked to.
    """

    def __init__(self, is_allowed: Callable[[str], bool]) -> None:
        self._is_allowed = is_allowed
        self._inner = aiohttp.ThreadedResolver()

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily | Any = 0) -> list[Any]:
        """
        Return the addresses of a name. One that may not be talked to refuses them all.

        :param host: The name.
        :param port: The port.
        :param family: IPv4, IPv6 or either.
        :raises ConfigurationError: when it leads to an address that may not be talked to.
        """
        found = await self._inner.resolve(host, port, family)
        for entry in found:
            _refuse(entry["host"], self._is_allowed)
        return [*found]

    async def close(self) -> None:
        """Close nothing: there is nothing open."""
        await self._inner.close()


def refuse_literal_address(host: str, is_allowed: Callable[[str], bool]) -> None:
    """
    Refuse a host that is itself an address which may not be talked to: such a one is never resolved.

    :param host: A name or an address.
    :param is_allowed: Whether an IP address may be talked to.
    :raises ConfigurationError: for an address that may not be talked to.
    """
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return
    _refuse(host, is_allowed)


def _refuse(address: str, is_allowed: Callable[[str], bool]) -> None:
    if not is_allowed(address):
        raise ConfigurationError(
            f"the connection's host leads to {address}, an address that its address_guard refuses; if it is meant, set "
            "address_guard to 'off'"
        )
