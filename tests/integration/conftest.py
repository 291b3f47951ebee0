"""Runs Dags with ``dag.test()`` on a real metadata database."""

from __future__ import annotations

import json
import os
import textwrap
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True)
class DagResult:
    """How a Dag run ended: its state, and what each step left."""

    state: str
    states: dict[str, list[str]]
    run_id: str
    dag_id: str

    def xcom(self, task_id: str, key: str = "return_value", map_index: int = -1) -> Any:
        from airflow.models.xcom import XComModel
        from airflow.utils.session import create_session
        from sqlalchemy import select

        with create_session() as session:
            row = session.scalar(
                select(XComModel).where(
                    XComModel.dag_id == self.dag_id,
                    XComModel.run_id == self.run_id,
                    XComModel.task_id == task_id,
                    XComModel.key == key,
                    XComModel.map_index == map_index,
                )
            )
            return None if row is None else XComModel.deserialize_value(row)

    def rendered(self, task_id: str, map_index: int = -1) -> dict[str, Any]:
        from airflow.models.renderedtifields import RenderedTaskInstanceFields
        from airflow.models.taskinstance import TaskInstance
        from airflow.utils.session import create_session
        from sqlalchemy import select

        with create_session() as session:
            instance = session.scalar(
                select(TaskInstance).where(
                    TaskInstance.dag_id == self.dag_id,
                    TaskInstance.run_id == self.run_id,
                    TaskInstance.task_id == task_id,
                    TaskInstance.map_index == map_index,
                )
            )
            return (
                {}
                if instance is None
                else RenderedTaskInstanceFields.get_templated_fields(instance, session=session) or {}
            )

    def tries(self, task_id: str) -> list[int]:
        """Return how often each instance of a step was tried, in map order."""
        from airflow.models.taskinstance import TaskInstance
        from airflow.utils.session import create_session
        from sqlalchemy import select

        with create_session() as session:
            return list(
                session.scalars(
                    select(TaskInstance.try_number)
                    .where(
                        TaskInstance.dag_id == self.dag_id,
                        TaskInstance.run_id == self.run_id,
                        TaskInstance.task_id == task_id,
                    )
                    .order_by(TaskInstance.map_index)
                )
            )

    def asset_events(self) -> list[tuple[str, dict[str, Any], str | None]]:
        """Return the name, the extra and the partition key of each asset event that the run caused, in their order."""
        from airflow.models.asset import AssetEvent
        from airflow.utils.session import create_session
        from sqlalchemy import select

        with create_session() as session:
            rows = session.scalars(
                select(AssetEvent)
                .where(AssetEvent.source_run_id == self.run_id, AssetEvent.source_dag_id == self.dag_id)
                .order_by(AssetEvent.id)
            )
            return [(row.asset.name, row.extra, row.partition_key) for row in rows]


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


RunDag = Callable[..., DagResult]


@pytest.fixture
def run_dag(dags_folder: Path) -> RunDag:
    """Return a function that writes a Dag file, runs one of its Dags and tells how that ended."""

    def run(source: str | Path, dag_id: str | None = None, **arguments: Any) -> DagResult:
        from airflow.dag_processing.dagbag import DagBag

        text = source.read_text() if isinstance(source, Path) else textwrap.dedent(source)
        file = dags_folder / f"dag_{abs(hash(text))}.py"
        file.write_text(text)
        bag = DagBag(str(file), bundle_name="dags-folder", bundle_path=dags_folder)
        assert bag.import_errors == {}
        dag = bag.dags[dag_id or next(iter(bag.dags))]
        _write_to_database(bag)
        run = dag.test(**arguments)
        states: dict[str, list[str]] = {}
        for instance in run.get_task_instances():
            states.setdefault(instance.task_id, []).append(str(instance.state))
        return DagResult(state=str(run.state), states=states, run_id=run.run_id, dag_id=dag.dag_id)

    return run


def _write_to_database(bag: Any) -> None:
    """Do what ``dag.test()`` does itself, but in Airflow 3.2 only for the first Dag of a name: no other's assets would be known."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import sync_bag_to_db

    if metadata.version("apache-airflow-core").startswith("3.2."):
        DagBundlesManager().sync_bundles_to_db()
        sync_bag_to_db(bag, "dags-folder", None)


@pytest.fixture
def import_errors(dags_folder: Path) -> Callable[[str], str]:
    """Return a function that parses a Dag file as Airflow's parser does and returns its import errors."""

    def parse(source: str) -> str:
        from airflow.dag_processing.dagbag import DagBag

        file = dags_folder / "parsed.py"
        file.write_text(textwrap.dedent(source))
        bag = DagBag(str(file), bundle_name="dags-folder", bundle_path=dags_folder)
        return "\n".join(bag.import_errors.values())

    return parse


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that defines an Airflow connection for the time of the test."""

    def define(conn_id: str, **fields: Any) -> None:
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(fields))

    return define


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Any]:
    from airflow_provider_cloudfn.sandbox import Sandbox

    with Sandbox.start() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox: Any, connection: Callable[..., None]) -> Any:
    """Return a sandbox without a past, with its connections defined."""
    running_sandbox.reset()
    for conn_id, fields in running_sandbox.connections().items():
        connection(conn_id, **fields)
    return running_sandbox


@dataclass(frozen=True)
class ReceivedRequest:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class RecordingServer:
    """A server on loopback that keeps what it gets and answers what it is told."""

    def __init__(self) -> None:
        self.requests: list[ReceivedRequest] = []
        self._answer: tuple[int, bytes, dict[str, str]] = (200, b"{}", {"Content-Type": "application/json"})
        self._first: list[tuple[int, bytes, dict[str, str]]] = []
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(65537)
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                recorder.requests.append(ReceivedRequest(self.command, self.path, headers, body))
                status, content, sent = recorder._first.pop(0) if recorder._first else recorder._answer
                self.send_response(status)
                for name, value in sent.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def answers(self, status: int, body: Any, media_type: str = "application/json") -> None:
        self._answer = self._written(status, body, {"Content-Type": media_type})

    def answers_in_turn(self, *answers: tuple[int, Any, dict[str, str]]) -> None:
        """Answer each of these (status, body, headers) once, in this order, and the last of them ever after."""
        *first, last = [self._written(*answer) for answer in answers]
        self._first, self._answer = first, last

    @staticmethod
    def _written(status: int, body: Any, headers: dict[str, str]) -> tuple[int, bytes, dict[str, str]]:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return status, content, {"Content-Type": "application/json", **headers}

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def recording_server() -> Iterator[RecordingServer]:
    server = RecordingServer()
    yield server
    server.stop()
