"""One distributed Airflow for all tests of this folder, and a sandbox for it to call."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_cloudfn.cli.demo.order_to_cash import create_connections
from airflow_provider_cloudfn.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class World:
    """A running cluster and what it calls."""

    cluster: Any
    sandbox: Sandbox

    def reports(self, label: str) -> list[str]:
        """Return the labels of the reports that arrived, of all whose label begins so."""
        # One that is refused because its token has expired is sent again.
        done = [request for request in self.sandbox.requests if request.status < 300]
        labels = [request.header("x-label") or "" for request in done]
        return [found for found in labels if found.startswith(label)]


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    pytest.importorskip("celery", reason="Celery is not installed: make distributed installs what it needs")
    from kit import cluster

    if (what := cluster.missing()) is not None:
        pytest.skip(what)
    dags = [ROOT / "example_dags", ROOT / "tests" / "system" / "dags", Path(__file__).parent / "dags"]
    with Sandbox.start() as sandbox, cluster.Cluster.start(dags, {}) as started:
        create_connections(started.api, sandbox)
        yield World(started, sandbox)
