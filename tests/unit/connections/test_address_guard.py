from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cloudfn.connections.address_guard import is_allowed

PUBLIC = [
    "93.184.216.34",
    "192.0.0.9",
    "2606:2800:220:1:248:1893:25c8:1946",
    "2001:4:112::1",
    "2001:20::1",
    "::ffff:93.184.216.34",
    "64:ff9b::5db8:d822",
    "2002:5db8:d822::1",
    # Teredo, in which the address stands inverted.
    "2001:0:4136:e378:8000:63bf:a247:27dd",
]
PRIVATE = [
    "10.0.0.1",
    "172.16.5.4",
    "192.168.1.1",
    "127.0.0.1",
    "100.64.0.1",
    "0.1.2.3",
    "192.0.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "240.0.0.1",
    "::1",
    "fd12::1",
    "fec0::1",
    "100::1",
    "100:0:0:1::1",
    "2001:2::1",
    "2001:10::1",
    "2001:db8::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "::ffff:10.0.0.1",
    "2002:a00:1::",
    "64:ff9b::a00:1",
    "64:ff9b:1::5db8:d822",
    "64:ff9b:1::a00:1",
    "64:ff9b:1:ffff:ffff:ffff:5db8:d822",
    "::10.0.0.1",
    "::ffff:0:10.0.0.1",
    "2606:2800:220:1:0:5efe:a00:1",
]
LINK_LOCAL = [
    "169.254.169.254",
    "169.254.170.2",
    "fe80::1",
    "fe80::1%eth0",
    "169.254.169.254.",
    "::ffff:169.254.169.254",
    "::169.254.169.254",
    "::ffff:0:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a9fe:a9fe",
    "64:ff9b:1:ffff::6464:64c8",
    "2002:a9fe:a9fe::",
    "2001:0:4136:e378:8000:63bf:5601:5601",
    "2606:2800:220:1:200:5efe:a9fe:a9fe",
]
METADATA = ["fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "100.100.100.200", "192.0.0.192", "168.63.129.16"]
METADATA_NAMES = [
    "metadata.google.internal",
    "Metadata.Google.Internal.",
    "metadata.goog",
    "instance-data.ec2.internal",
]
NOWHERE = ["0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255"]


@pytest.mark.parametrize("address", PUBLIC)
@pytest.mark.parametrize("guard", ["link_local", "private", "off"])
def test_public_addresses_are_always_allowed(address: str, guard: str) -> None:
    assert is_allowed(address, guard)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_refused_on_request(address: str) -> None:
    assert is_allowed(address, "link_local")
    assert not is_allowed(address, "private")
    assert is_allowed(address, "off")


@pytest.mark.parametrize("address", LINK_LOCAL + METADATA + METADATA_NAMES + NOWHERE)
def test_link_local_and_metadata_addresses_are_refused_by_default(address: str) -> None:
    assert not is_allowed(address, "link_local")
    assert not is_allowed(address, "private")
    assert is_allowed(address, "off")


@pytest.mark.parametrize("guard", ["link_local", "private", "off"])
@pytest.mark.parametrize("name", ["api.example.com", "metadata.example.com", "google.internal"])
def test_other_names_are_left_to_what_they_resolve_to(name: str, guard: str) -> None:
    assert is_allowed(name, guard)


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_nothing_that_python_knows_as_special_passes_as_public(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    special = address.is_private or address.is_multicast or address.is_reserved or address.is_link_local
    known_better = [
        ipaddress.ip_network(text) for text in ("192.0.0.0/24", "::/8", "64:ff9b::/32", "2001::/23", "2002::/16")
    ]

    if special and not any(address in network for network in known_better if network.version == address.version):
        assert not is_allowed(str(address), "private")


@given(st.ip_addresses(v=4), st.sampled_from(["link_local", "private"]))
def test_an_address_written_as_ipv6_is_judged_as_itself(address: ipaddress.IPv4Address, guard: str) -> None:
    value = int(address)
    for prefix in ("::ffff:0:0", "::ffff:0:0:0", "64:ff9b::"):
        written = ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) | value)
        assert is_allowed(str(written), guard) == is_allowed(str(address), guard)
