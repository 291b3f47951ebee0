"""Airflow's metadata database, Dags that run on it, connections, and what these lead to."""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from kit import dag_runs
from kit.server import LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow.sdk import DAG
    from kit.dag_runs import DagResult

    from airflow_provider_cloudfn.sandbox import Sandbox


@pytest.fixture(scope="session")
def example_dags(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the examples; where Airflow has no partitioned assets (3.2), of the examples without them."""
    from airflow_provider_cloudfn.events.asset import partitions_available

    examples = Path(__file__).parents[2] / "example_dags"
    if partitions_available():
        return examples
    without = tmp_path_factory.mktemp("example_dags")
    for file in examples.glob("*.py"):
        text = (
            file.read_text()
            .replace(", one_run_per_event=True", "")
            .replace("charge_created.each()", "[charge_created]")
        )
        (without / file.name).write_text(text)
    return without


@pytest.fixture(scope="session")
def airflow_database() -> None:
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture
def dags_folder(airflow_database: None) -> Iterator[Path]:
    folder = Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    yield folder
    for file in folder.glob("*.py"):
        file.unlink()


@pytest.fixture
def run_dag(dags_folder: Path) -> Callable[..., DagResult]:
    """Return a function that runs a Dag, which the test makes or writes, and tells how that ended."""
    return partial(dag_runs.run_dag, dags_folder)


@pytest.fixture
def run(run_dag: Callable[..., DagResult]) -> Callable[..., DagResult]:
    """Return a function that runs written tasks in the Dag ``d`` and tells how that ended."""

    def run_tasks(tasks: str, dag_arguments: str = "", *, before: str = "", **arguments: Any) -> DagResult:
        return run_dag(dag_runs.dag_file(tasks, dag_arguments, before=before), **arguments)

    return run_tasks


@pytest.fixture
def run_in_backfill(run: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Return a function that runs written tasks, as `run` does, in a run of a backfill."""
    from airflow.models import dagrun

    made = dagrun.get_or_create_dagrun

    def in_backfill(*, session: Any, **arguments: Any) -> Any:
        created = made(session=session, **arguments)
        created.run_type = "backfill"
        session.commit()
        return created

    monkeypatch.setattr(dagrun, "get_or_create_dagrun", in_backfill)
    return run


@pytest.fixture
def dag() -> Iterator[DAG]:
    """Return the Dag ``d``, which takes up the tasks that the test makes."""
    from airflow.sdk import DAG

    with DAG("d", schedule=None, params={"id": "1001", "page": 5}) as made:
        yield made


@pytest.fixture
def outside_airflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test execute tasks itself, which Airflow refuses outside of its own processes."""
    from airflow.sdk.bases.operator import ExecutorSafeguard

    monkeypatch.setattr(ExecutorSafeguard, "test_mode", True, raising=False)


@pytest.fixture
def import_errors(dags_folder: Path) -> Callable[[str], str]:
    """Return a function that parses a Dag file as Airflow's parser does and returns its import errors."""
    return lambda source: "\n".join(dag_runs.parse(source, dags_folder).import_errors.values())


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that defines an Airflow connection for the time of the test."""

    def define(conn_id: str, **fields: Any) -> None:
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(fields))

    return define


@pytest.fixture
def sandbox(
    running_sandbox: Sandbox, connection: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Sandbox:
    """Return a sandbox without a past, none of whose tokens is kept anywhere, with its connections defined."""
    from airflow_provider_cloudfn.auth.token_store import PROCESS_TOKENS

    running_sandbox.reset()
    PROCESS_TOKENS._tokens.clear()
    monkeypatch.setenv("AIRFLOW__CLOUDFN__TOKEN_STORE_FOLDER", str(tmp_path))
    for conn_id, fields in running_sandbox.connections().items():
        connection(conn_id, **fields)
    return running_sandbox


@pytest.fixture
def serve() -> Iterator[Callable[..., LoopbackServer]]:
    """Return a function that starts a server, which ends with the test."""
    running: list[LoopbackServer] = []

    def start(*arguments: Any, **keywords: Any) -> LoopbackServer:
        running.append(LoopbackServer(*arguments, **keywords))
        return running[-1]

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def recording_server(serve: Callable[..., LoopbackServer]) -> LoopbackServer:
    return serve()


@pytest.fixture
def connected(recording_server: LoopbackServer, connection: Callable[..., None]) -> Callable[..., LoopbackServer]:
    """Return a function that defines a connection to the server, without host; it returns the server."""

    def define(conn_id: str = "service", **fields: Any) -> LoopbackServer:
        extra = {"allow_http": False, **fields.pop("extra", {})}
        connection(conn_id, conn_type="cloudfn", host=recording_server.url, **fields, extra=extra)
        return recording_server

    return define
