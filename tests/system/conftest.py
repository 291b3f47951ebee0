"""One whole Airflow, with scheduler, triggerer and API server, in a temporary AIRFLOW_HOME; and a sandbox for it to call."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from kit import in_memory

from airflow_provider_cloudfn.cli.demo.airflow_api import AirflowApi, until
from airflow_provider_cloudfn.cli.demo.airflow_server import AirflowServer
from airflow_provider_cloudfn.cli.demo.order_to_cash import create_connections
from airflow_provider_cloudfn.events.asset import partitions_available
from airflow_provider_cloudfn.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 900.0
EXAMPLES = Path(__file__).parents[2] / "example_dags"

DAGS = (
    "produce_plain",
    "produce_mapped",
    "consume_single",
    "produce_merged",
    "consume_merged",
    "produce_left",
    "produce_right",
    "consume_both",
    "consume_either",
    "charge_again",
    "retried",
    "fail_late",
    "wait_ship",
    "wait_event",
    "wait_job",
    "consume_webhook",
    *(("chain_place", "chain_book", "chain_pay", "chain_ship", "chain_note") if partitions_available() else ()),
)


@dataclass(frozen=True)
class World:
    """A running Airflow and what it calls."""

    api: AirflowApi
    url: str
    home: Path
    dags: Path
    sandbox: Sandbox
    log: Path

    def trigger(self, dag_id: str, **conf: Any) -> str:
        return self.api.trigger(dag_id, conf)

    def finish(self, dag_id: str, run_ids: list[str]) -> list[str]:
        """Return how each of the runs ended; why one failed is printed, for the reader of a test that did not expect it."""
        states = [self.api.finished_run(dag_id, run_id, seconds=SECONDS)["state"] for run_id in run_ids]
        for run_id, state in zip(run_ids, states, strict=True):
            if state == "failed":
                self._explain(dag_id, run_id)
        return states

    def _explain(self, dag_id: str, run_id: str) -> None:
        for instance in self.api.task_instances(dag_id, run_id):
            print(f"{dag_id} {run_id} {instance['task_id']}[{instance['map_index']}]: {instance['state']}")
            print(*self.api.log_lines(instance)[-60:], sep="\n")
        lines = self.log.read_text(errors="replace").splitlines()
        said = [number for number, line in enumerate(lines) if run_id in line]
        for number in said[-20:]:
            print(*lines[max(0, number - 2) : number + 3], sep="\n")

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.api.get("dags", dag_id, "dagRuns", limit="100")["dag_runs"]
        return found

    def started(self, event_type: str) -> list[Any]:
        """Return the payloads of the processes that an event of that type started."""
        return [process.events[0].payload for process in self.sandbox.processes if process.events[0].type == event_type]

    def clear(self, dag_id: str, run_id: str, **more: Any) -> None:
        """Clear all tasks of a run, as a person does in the UI."""
        json = {"dry_run": False, "dag_run_id": run_id, "only_failed": False, "reset_dag_runs": True, **more}
        self.until(partial(self.api.post, "dags", dag_id, "clearTaskInstances", json=json), "the run is not cleared")

    def pause(self, dag_id: str, *, paused: bool) -> None:
        self.api.patch("dags", dag_id, json={"is_paused": paused})

    def happen(self, asset: str) -> None:
        """Let an ordinary asset have an event, as a person does in the UI."""
        (found,) = self.api.get("assets", name_pattern=asset)["assets"]
        event = {"asset_id": found["id"], "extra": {}}
        self.until(partial(self.api.post, "assets", "events", json=event), "the asset has no event")

    def until(self, found: Any, otherwise: str) -> Any:
        return until(found, SECONDS, otherwise)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = in_memory.new_folder()
    dags = tmp_path_factory.mktemp("system-dags")
    shutil.copytree(Path(__file__).parent / "dags", dags, dirs_exist_ok=True)
    shutil.copy(EXAMPLES / "process_round.py", dags)
    with Sandbox.start() as sandbox:
        server = AirflowServer.start(
            home,
            dags,
            # As many tasks at once as two processors stand, with Airflow itself beside them.
            settings={
                "AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG",
                "AIRFLOW__CORE__PARALLELISM": "4",
                "AIRFLOW__API__EXPOSE_STACKTRACE": "True",
                "AIRFLOW__CLOUDFN__EVENT_SOURCES": "webhooks,process_engine",
            },
        )
        try:
            create_connections(server.api, sandbox)
            sandbox.call_back(f"{server.url}/cloudfn/events/process_engine")
            world = World(server.api, server.url, home, dags, sandbox, server.log)
            for dag_id in DAGS:
                until(partial(_is_there, server.api, dag_id), SECONDS, f"Airflow has no Dag {dag_id}")
            yield world
        finally:
            server.stop()


def _is_there(api: AirflowApi, dag_id: str) -> bool | None:
    return True if any(dag["dag_id"] == dag_id for dag in api.get("dags", limit="100")["dags"]) else None
