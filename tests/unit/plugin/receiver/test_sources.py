"""Event sources: which ones there are, and for how long they are kept."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.plugin.receiver.sources import KEPT, Sources, is_named
from airflow_provider_cloudfn.webhooks.refused import RefusedError


class Connections:
    """Reads connections as event sources, which are their secrets here, and counts."""

    def __init__(self) -> None:
        self.secret = "old"
        self.read: list[str] = []
        self.now = 0.0
        self.fault: Exception | None = None

    def __call__(self, name: str) -> Any:
        self.read.append(name)
        if self.fault is not None:
            raise self.fault
        return self.secret


@pytest.fixture
def connections() -> Connections:
    return Connections()


@pytest.fixture
def sources(connections: Connections) -> Sources:
    return Sources(connections, clock=lambda: connections.now)


@pytest.mark.parametrize("named", ["shop", " shop ,github", "github,shop,", "github,\nshop"])
def test_one_that_the_configuration_names_is_there(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__EVENT_SOURCES", named)

    assert is_named("shop")
    assert not is_named("")


@pytest.mark.parametrize("named", ["", ",", "shop2", "Shop", "sh op"])
def test_one_that_it_does_not_name_is_not(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__EVENT_SOURCES", named)

    assert not is_named("shop")
    assert not is_named("")


def test_a_connection_is_read_again_after_half_a_minute(connections: Connections, sources: Sources) -> None:
    assert sources.kept("shop") is None
    assert sources.load("shop") == "old"
    connections.secret = "new"

    connections.now = KEPT
    assert (sources.kept("shop"), sources.load("shop")) == ("old", "old")
    connections.now = KEPT + 0.1
    assert sources.kept("shop") is None
    assert sources.load("shop") == "new"
    assert len(connections.read) == 2


def test_one_that_can_not_be_read_is_not_available_and_is_tried_again_soon(
    connections: Connections, sources: Sources, caplog: pytest.LogCaptureFixture
) -> None:
    connections.fault = ConfigurationError("scheme is missing")

    for ask in (sources.load, sources.kept, sources.load):
        with pytest.raises(RefusedError) as error:
            ask("shop")
        assert error.value.status == 503
    assert connections.read == ["shop"]
    assert "scheme is missing" in caplog.text

    connections.fault, connections.now = None, 6.0
    assert sources.load("shop") == "old"


def test_an_outage_is_no_fault_of_the_connection_and_is_not_kept(connections: Connections, sources: Sources) -> None:
    connections.fault = OSError("the database is away")
    with pytest.raises(OSError, match="away"):
        sources.load("shop")

    connections.fault = None
    assert sources.load("shop") == "old"
