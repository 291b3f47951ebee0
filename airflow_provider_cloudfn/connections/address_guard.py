"""Which hosts a connection may lead to: one table of every special-purpose address, each with its verdict."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Final, Literal, TypeAlias

__all__ = ["is_allowed"]

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

#: Who may talk to an address: everybody, whoever allows private ones (``link_local``), or only whoever has no guard.
Verdict: TypeAlias = Literal["public", "private", "never"]

# IANA's registries of special-purpose addresses (RFC 6890), multicast, what is deprecated there, and the addresses at which
# clouds hand out credentials to whoever asks. Of two that hold an address, the narrower one decides.
_NETWORKS: Final[dict[str, Verdict]] = {
    "0.0.0.0/0": "public",
    "0.0.0.0/8": "private",  # this network (RFC 791)
    "0.0.0.0/32": "never",  # this host
    "10.0.0.0/8": "private",  # private use (RFC 1918)
    "100.64.0.0/10": "private",  # carriers' shared space (RFC 6598)
    "100.100.100.200/32": "never",  # Alibaba Cloud's metadata
    "127.0.0.0/8": "private",  # loopback
    "168.63.129.16/32": "never",  # Azure's host agent
    "169.254.0.0/16": "never",  # link-local (RFC 3927), and most clouds' metadata and task credentials
    "172.16.0.0/12": "private",  # private use
    "192.0.0.0/24": "private",  # protocol assignments (RFC 6890)
    "192.0.0.9/32": "public",  # port control's anycast (RFC 7723)
    "192.0.0.10/32": "public",  # TURN's anycast (RFC 8155)
    "192.0.0.192/32": "never",  # Oracle Cloud's metadata
    "192.0.2.0/24": "private",  # documentation
    "192.88.99.0/24": "private",  # 6to4 relays, deprecated (RFC 7526)
    "192.168.0.0/16": "private",  # private use
    "198.18.0.0/15": "private",  # benchmarks (RFC 2544)
    "198.51.100.0/24": "private",  # documentation
    "203.0.113.0/24": "private",  # documentation
    "224.0.0.0/4": "never",  # multicast
    "240.0.0.0/4": "private",  # reserved
    "255.255.255.255/32": "never",  # broadcast
    "::/0": "private",  # not handed out to anybody (RFC 3513)
    "::/128": "never",  # unspecified
    "2000::/3": "public",  # global unicast
    "2001::/23": "private",  # protocol assignments (RFC 2928)
    "2001:1::1/128": "public",  # port control's anycast
    "2001:1::2/128": "public",  # TURN's anycast
    "2001:1::3/128": "public",  # DNS-SD's anycast (RFC 9665)
    "2001:3::/32": "public",  # AMT (RFC 7450)
    "2001:4:112::/48": "public",  # AS112 (RFC 7535)
    "2001:20::/28": "public",  # ORCHIDv2 (RFC 7343)
    "2001:30::/28": "public",  # drones' remote ids (RFC 9374)
    "2001:db8::/32": "private",  # documentation
    "3fff::/20": "private",  # documentation (RFC 9637)
    "fd00:ec2::254/128": "never",  # AWS's metadata
    "fd00:ec2::23/128": "never",  # AWS's pod credentials
    "fd20:ce::254/128": "never",  # Google Cloud's metadata
    "fe80::/10": "never",  # link-local (RFC 4291)
    "ff00::/8": "never",  # multicast
}

# IPv6 networks in which an IPv4 address stands, with the number of bits behind it: that one decides.
_EMBEDDING: Final[dict[str, int]] = {
    "::/96": 0,  # IPv4-compatible (RFC 4291, deprecated)
    "::ffff:0:0/96": 0,  # IPv4-mapped (RFC 4291)
    "::ffff:0:0:0/96": 0,  # IPv4-translated, SIIT (RFC 2765)
    "64:ff9b::/96": 0,  # NAT64 (RFC 6052)
    "64:ff9b:1::/48": 0,  # NAT64 within one network (RFC 8215): private, whichever address is behind it
    "2002::/16": 80,  # 6to4 (RFC 3056)
}
_TEREDO: Final = ipaddress.IPv6Network("2001::/32")  # RFC 4380: the address stands there inverted
_LOCAL_NAT64: Final = ipaddress.IPv6Network("64:ff9b:1::/48")
_ISATAP: Final = frozenset({0x0000_5EFE, 0x0200_5EFE})  # RFC 5214: in the 32 bits before the address, in any network

#: What these addresses are called where a proxy resolves names, so that no address is ever seen here.
_METADATA_NAMES: Final = frozenset(
    {
        "instance-data",
        "instance-data.ec2.internal",
        "metadata.azure.internal",
        "metadata.goog",
        "metadata.google.internal",
        "metadata.platformequinix.com",
        "metadata.tencentyun.com",
    }
)


@lru_cache(maxsize=256)
def is_allowed(host: str, guard: str) -> bool:
    """
    Return whether a host may be talked to.

    :param host: An IPv4 or IPv6 address, perhaps with a zone; or a name, of which only cloud metadata services are known.
    :param guard: ``link_local`` refuses link-local, unspecified, multicast and metadata addresses; ``private`` refuses all
        that is not public besides; ``off`` refuses none.
    """
    if guard == "off":
        return True
    # With a dot at its end it is no address to Python, and one to most resolvers.
    name = host.partition("%")[0].rstrip(".").lower()
    try:
        verdict = _verdict(ipaddress.ip_address(name))
    except ValueError:
        return name not in _METADATA_NAMES
    return verdict == "public" or (verdict == "private" and guard != "private")


def _verdict(address: Address) -> Verdict:
    embedded = _embedded(address) if isinstance(address, ipaddress.IPv6Address) else None
    if embedded is not None:
        verdict = _verdict(embedded)
        return "private" if verdict == "public" and address in _LOCAL_NAT64 else verdict
    return next(verdict for network, verdict in _by_length() if address in network)


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that an IPv6 address is another way to write, or leads to."""
    value = int(address)
    if value <= 1:  # unspecified and loopback, which are IPv6's own
        return ipaddress.IPv4Address("127.0.0.1") if value else None
    if address in _TEREDO:
        return ipaddress.IPv4Address(~value & 0xFFFF_FFFF)
    if (value >> 32) & 0xFFFF_FFFF in _ISATAP:
        return ipaddress.IPv4Address(value & 0xFFFF_FFFF)
    for network, bits in _embedding():
        if address in network:
            return ipaddress.IPv4Address((value >> bits) & 0xFFFF_FFFF)
    return None


@lru_cache(maxsize=1)
def _by_length() -> tuple[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, Verdict], ...]:
    networks = ((ipaddress.ip_network(text), verdict) for text, verdict in _NETWORKS.items())
    return tuple(sorted(networks, key=lambda entry: entry[0].prefixlen, reverse=True))


@lru_cache(maxsize=1)
def _embedding() -> tuple[tuple[ipaddress.IPv6Network, int], ...]:
    return tuple((ipaddress.IPv6Network(text), bits) for text, bits in _EMBEDDING.items())
