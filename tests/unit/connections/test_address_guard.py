from __future__ import annotations

import pytest

from airflow_provider_cloudfn.connections.address_guard import is_allowed

PUBLIC = ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34"]
PRIVATE = ["10.0.0.1", "172.16.5.4", "192.168.1.1", "127.0.0.1", "::1", "fd12::1", "::ffff:10.0.0.1", "100.64.0.1"]
LOCAL_NAT64 = ["64:ff9b:1::5db8:d822", "64:ff9b:1::a00:1", "64:ff9b:1:ffff:ffff:ffff:5db8:d822"]
LINK_LOCAL = [
    "169.254.169.254",
    "fe80::1",
    "fe80::1%eth0",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a9fe:a9fe",
    "64:ff9b:1:ffff::6464:64c8",
    "2002:a9fe:a9fe::",
]
METADATA = ["fd00:ec2::254", "100.100.100.200", "192.0.0.192"]
NOWHERE = ["0.0.0.0", "::", "224.0.0.1", "ff02::1"]


@pytest.mark.parametrize("address", PUBLIC)
@pytest.mark.parametrize("guard", ["link_local", "private", "off"])
def test_public_addresses_are_always_allowed(address: str, guard: str) -> None:
    assert is_allowed(address, guard)


@pytest.mark.parametrize("address", PRIVATE + LOCAL_NAT64)
def test_private_addresses_are_refused_on_request(address: str) -> None:
    assert is_allowed(address, "link_local")
    assert not is_allowed(address, "private")
    assert is_allowed(address, "off")


@pytest.mark.parametrize("address", LINK_LOCAL + METADATA + NOWHERE)
def test_link_local_and_metadata_addresses_are_refused_by_default(address: str) -> None:
    assert not is_allowed(address, "link_local")
    assert not is_allowed(address, "private")
    assert is_allowed(address, "off")
