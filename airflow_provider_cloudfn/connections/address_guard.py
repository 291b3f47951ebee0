"""Which IP addresses a connection's host may lead to."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

__all__ = ["is_allowed"]

# Cloud metadata services outside of the link-local ranges: AWS over IPv6, Alibaba Cloud, Oracle Cloud.
_METADATA = frozenset(
    ipaddress.ip_address(text) for text in ("fd00:ec2::254", "100.100.100.200", "192.0.0.192", "fd20:ce::254")
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_LOCAL_NAT64 = ipaddress.ip_network("64:ff9b:1::/48")  # RFC 8215: within one network, whichever address is behind it
_CARRIER = ipaddress.ip_network("100.64.0.0/10")


@lru_cache(maxsize=256)
def is_allowed(address: str, guard: str) -> bool:
    """
    Return whether an address may be talked to.

    :param address: An IPv4 or IPv6 address, perhaps with a zone.
    :param guard: ``link_local`` refuses link-local, unspecified, multicast and metadata addresses; ``private`` refuses all
        that is not public besides; ``off`` refuses none.
    """
    if guard == "off":
        return True
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        # An IPv4 address can be written as IPv6: mapped, 6to4, Teredo, or behind NAT64.
        embedded = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _LOCAL_NAT64 and guard == "private":
            return False
        if embedded is None and (ip in _NAT64 or ip in _LOCAL_NAT64):
            embedded = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if embedded is not None:
            return is_allowed(str(embedded), guard)
    if ip.is_link_local or ip.is_unspecified or ip.is_multicast or ip in _METADATA:
        return False
    if guard == "private":
        return ip.is_global and not (ip.version == 4 and ip in _CARRIER)
    return True
