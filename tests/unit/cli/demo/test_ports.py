"""Free ports."""

from __future__ import annotations

import socket

import pytest

from airflow_provider_cloudfn.cli.demo import ports
from airflow_provider_cloudfn.exceptions import ConfigurationError


def test_they_are_different_and_nobody_listens_on_them() -> None:
    found = ports.free_ports(5)
    assert len(set(found)) == 5
    for port in found:
        with socket.create_server(("127.0.0.1", port)):
            pass


def test_a_port_on_which_somebody_listens_is_none_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        free = ports.free_ports(1)[0]
        first, last = sorted((port, free))
        monkeypatch.setattr(ports, "_RANGE", range(first, last + 1, last - first))
        assert ports.free_ports(1) == [free]
        with pytest.raises(ConfigurationError, match="No 2 free ports"):
            ports.free_ports(2)


def test_the_first_one_can_be_asked_for() -> None:
    wanted = ports.free_ports(1)[0]

    found = ports.free_ports(3, first=wanted)

    assert found[0] == wanted
    assert len(set(found)) == 3


def test_one_that_was_asked_for_and_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"--port {port} is taken"):
            ports.free_ports(4, first=port)
