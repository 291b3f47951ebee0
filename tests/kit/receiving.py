"""
Receivers of events in processes of their own, on one database, as those of several API servers are.

``python -m kit.receiving prepare FILE`` makes the database's tables and lets Airflow read a Dag file, whose Dags are not paused;
``python -m kit.receiving serve PORT`` receives; ``python -m kit.receiving rebuild`` takes the tables down and up again;
``python -m kit.receiving sweep`` takes out all deliveries that are too old, and prints how many seconds each step took.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psutil

from airflow_provider_cloudfn.cli.demo.airflow_api import until
from airflow_provider_cloudfn.cli.demo.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Receiving", "Server"]

_PATIENCE = 120.0


class Server:
    """
    The process of a receiver.

    :param command: What runs it; the port comes behind.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        (self.port,) = free_ports(1)
        self.root = f"http://127.0.0.1:{self.port}"
        self.url = f"{self.root}/cloudfn/events"
        self._command, self._environment, self._log = command, environment, log
        self.start()

    def start(self) -> None:
        """Start it, and return when it answers."""
        with self._log.open("ab") as log:
            command = [*self._command, str(self.port)]
            # A group of its own: what it has started ends with it.
            self._process = subprocess.Popen(
                command, env=dict(self._environment), stdout=log, stderr=log, start_new_session=True
            )
        until(self._answers, _PATIENCE, f"the receiver does not answer; see {self._log}", pause=0.1)

    def kill(self) -> None:
        """End it as a machine does that fails."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    @property
    def memory(self) -> float:
        """Megabytes that it has, with what it has started."""
        process = psutil.Process(self._process.pid)
        taken: int = sum(one.memory_info().rss for one in (process, *process.children(recursive=True)))
        return taken / 1e6

    def _answers(self) -> bool | None:
        try:
            return True if httpx.get(f"{self.url}/openapi.json", trust_env=False).status_code == 200 else None
        except httpx.HTTPError:
            return None


class Receiving:
    """
    What receivers share.

    :param folder: Where Airflow's home is.
    :param database: The URL of the database.
    :param connections: The event sources, by their names.
    """

    def __init__(self, folder: Path, database: str, connections: Mapping[str, Mapping[str, Any]]) -> None:
        self._folder = folder
        dags = folder / "dags"
        dags.mkdir(parents=True)
        package = Path(__file__).parents[2]
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")},
            "PYTHONPATH": os.pathsep.join([str(package / "tests"), os.environ.get("PYTHONPATH", "")]),
            "AIRFLOW_HOME": str(folder),
            "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(b"0" * 32).decode(),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database,
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API__SECRET_KEY": "of-this-test",
            "AIRFLOW__API_AUTH__JWT_SECRET": "of-this-test-and-no-other-one-at-all",
            "AIRFLOW__CLOUDFN__EVENT_SOURCES": ",".join(connections),
            **{f"AIRFLOW_CONN_{name.upper()}": json.dumps(fields) for name, fields in connections.items()},
        }

    def prepare(self, dags: str) -> None:
        """Make the tables, and let Airflow read a Dag file."""
        file = self._folder / "dags" / "waiting.py"
        file.write_text(dags)
        self._run("prepare", str(file))

    def rebuild(self) -> None:
        """Take our tables down and up again by their migrations, and compare them with the code."""
        self._run("rebuild")

    def sweep(self) -> list[float]:
        """Take out all deliveries that are too old, and return how many seconds each step took."""
        return [float(line) for line in self._run("sweep").split() if line.replace(".", "", 1).isdigit()]

    def server(self, name: str) -> Server:
        """Start a receiver alone."""
        return self._server(name, [sys.executable, "-m", "kit.receiving", "serve"])

    def api_server(self, name: str) -> Server:
        """Start a whole API server of Airflow, that asks for no login."""
        return self._server(name, [sys.executable, "-m", "airflow", "api-server", "--host", "127.0.0.1", "--port"])

    @contextmanager
    def scheduler(self) -> Iterator[None]:
        """Have Airflow's scheduler run for as long as the block lasts."""
        with (self._folder / "scheduler.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "airflow", "scheduler"],
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _server(self, name: str, command: Sequence[str]) -> Server:
        return Server(command, self._environment, self._folder / f"{name}.log")

    def _run(self, *given: str) -> str:
        command = [sys.executable, "-m", "kit.receiving", *given]
        done = subprocess.run(
            command, env=self._environment, check=False, capture_output=True, text=True, timeout=_PATIENCE
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def _rebuild() -> None:
    from airflow.utils.session import create_session

    from airflow_provider_cloudfn.deliveries.db_manager import CloudFunctionDBManager
    from kit.own_tables import differences

    with create_session() as session:
        manager = CloudFunctionDBManager(session)  # type: ignore[no-untyped-call]  # Airflow has not typed it
        manager.downgrade("0001")
        manager.upgradedb(use_migration_files=True)  # type: ignore[no-untyped-call]  # as above
        assert differences(session) == []
        manager.downgrade("base")
        assert not manager.check_migration()  # type: ignore[no-untyped-call]  # as above
        manager.upgradedb(use_migration_files=True)  # type: ignore[no-untyped-call]  # as above
        assert manager.check_migration()  # type: ignore[no-untyped-call]  # as above
        assert differences(session) == []


def _sweep() -> None:
    from airflow_provider_cloudfn.deliveries.sweep import STEP, sweep

    is_more = True
    while is_more:
        began = time.perf_counter()
        is_more = sweep(7, dt.datetime.now(dt.UTC)) == STEP
        print(f"{time.perf_counter() - began:.6f}")


def _prepare(file: Path) -> None:
    from airflow.models.dag import DagModel
    from airflow.utils.db import initdb
    from airflow.utils.session import create_session
    from sqlalchemy import update

    from kit.dag_runs import parse, write_to_database

    initdb()
    bag = parse(file.read_text(), file.parent, file.stem)
    assert bag.import_errors == {}
    write_to_database(bag)
    with create_session() as session:
        session.execute(update(DagModel).values(is_paused=False))


def _serve(port: int) -> None:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.routing import Mount

    from airflow_provider_cloudfn.plugin.airflow_plugin import CloudFunctionPlugin

    mounted = [Mount(app["url_prefix"], app["app"]) for app in CloudFunctionPlugin.fastapi_apps]
    uvicorn.run(Starlette(routes=mounted), host="127.0.0.1", port=port, log_level="warning", access_log=False)


if __name__ == "__main__":
    if sys.argv[1] == "prepare":
        _prepare(Path(sys.argv[2]))
    elif sys.argv[1] == "rebuild":
        _rebuild()
    elif sys.argv[1] == "sweep":
        _sweep()
    else:
        _serve(int(sys.argv[2]))
