"""
Starts an Airflow of its own for the demo, ``airflow standalone`` on SQLite, and makes sure to talk to that one.

Its tasks talk to an API server of their own beside it. Airflow's API server writes its record of who did what from the
event loop: where a task's request in the same process has the database then, and needs the loop to let go of it, both wait
for SQLite's whole time-out, and tasks whose requests come meanwhile fail.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from cryptography.fernet import Fernet

from airflow_provider_cloudfn.cli.demo.airflow_api import AirflowApi, until
from airflow_provider_cloudfn.cli.demo.ports import free_ports
from airflow_provider_cloudfn.cli.demo.sessions import end_session, session_members
from airflow_provider_cloudfn.cli.demo.supervisor import SEPARATOR
from airflow_provider_cloudfn.exceptions import CloudFunctionError, RequestTimeoutError, ResponseError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["AirflowServer", "StartError", "end_leftovers"]

_ATTEMPTS = 3
_READY = 300.0
_STOP = 20.0
_SESSION = "session"
#: Seconds for which Airflow's processes wait for each other to write: on a busy machine longer than the default of five.
_DATABASE_PATIENCE = 60


class StartError(CloudFunctionError):
    """Airflow did not start; the message holds the last lines of its log."""


class _PortTakenError(StartError):
    """Another server was faster to take a port that was free."""


@dataclass(frozen=True, slots=True)
class _Ports:
    api: int
    execution_api: int
    worker_logs: int
    triggerer_logs: int


class AirflowServer:
    """
    A running Airflow. Get one from :meth:`start`.

    :param url: Where its UI and API are.
    :param log: The file that holds what its processes print.
    """

    def __init__(
        self, home: Path, dags: Path, ports: _Ports, airflow: Sequence[str], settings: Mapping[str, str]
    ) -> None:
        self.url = f"http://127.0.0.1:{ports.api}"
        self.log = home / "airflow.log"
        self.name = f"Cloud functions demo {secrets.token_hex(4)}"
        self.api = AirflowApi(self.url)
        self._home = home
        self._execution_api = f"http://127.0.0.1:{ports.execution_api}/execution"
        tasks = ["api-server", "--apps", "execution", "--host", "127.0.0.1", "--port", str(ports.execution_api)]
        folder = home / "airflow"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        # Two commands start at once: neither shall read what the other one is writing.
        (folder / "airflow.cfg").touch()
        with self.log.open("wb") as log:
            self._supervisor = subprocess.Popen(  # noqa: S603 - our own command
                [
                    *(sys.executable, "-m", "airflow_provider_cloudfn.cli.demo.supervisor"),
                    *(*airflow, "standalone", SEPARATOR, *airflow, *tasks),
                ],
                cwd=folder,
                env=_environment(folder, dags, ports, self.name) | dict(settings),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        (home / _SESSION).write_text(str(self._supervisor.pid))

    @classmethod
    def start(
        cls,
        home: Path,
        dags: Path,
        *,
        ports: Callable[[int], list[int]] = free_ports,
        airflow: Sequence[str] = (sys.executable, "-m", "airflow"),
        settings: Mapping[str, str] | None = None,
    ) -> AirflowServer:
        """
        Start an Airflow and return when it answers and all of its parts are healthy.

        Where another server was faster to take a port, it starts again with other ports, three times in all.

        :param home: Where its state goes; what an earlier one left there is removed.
        :param dags: The folder with its Dags.
        :param airflow: How Airflow's command line is run.
        :param settings: Environment variables beyond the demo's own.
        :raises StartError: when it does not start.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            server = cls(home, dags, _Ports(*ports(4)), airflow, settings or {})
            try:
                server._wait()
            except _PortTakenError:
                server.stop()
                if attempt == _ATTEMPTS:
                    raise
            except BaseException:
                server.stop()
                raise
            else:
                return server
        raise AssertionError("the last attempt returns or raises")

    @property
    def is_running(self) -> bool:
        """Whether its processes are still there."""
        return self._supervisor.poll() is None

    def stop(self) -> None:
        """End all of its processes."""
        self.api.close()
        pipe = self._supervisor.stdin
        if pipe is not None and not pipe.closed:
            pipe.close()
        try:
            self._supervisor.wait(_STOP)
        except subprocess.TimeoutExpired:
            self._supervisor.kill()
            self._supervisor.wait()
        end_leftovers(self._home)

    def tail(self, lines: int = 30) -> str:
        """Return the last lines of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _wait(self) -> None:
        try:
            until(self._answer, _READY, "Airflow is not ready", pause=0.5)
        except RequestTimeoutError as error:
            raise StartError(f"{error}; the end of {self.log}:\n{self.tail()}") from error

    def _answer(self) -> bool | None:
        running = self.is_running
        if "address already in use" in self.log.read_text(errors="replace").lower():
            raise _PortTakenError(f"A port that was free is taken; the end of {self.log}:\n{self.tail()}")
        if not running:
            raise StartError(f"Airflow ended while it started; the end of {self.log}:\n{self.tail()}")
        self._make_sure_that_it_is_ours()
        health = self.api.get("monitor", "health")
        parts = [health.get(name) or {} for name in ("metadatabase", "scheduler", "dag_processor", "triggerer")]
        healthy = all(part.get("status") == "healthy" for part in parts) and self._answers_tasks()
        return True if healthy else None

    def _answers_tasks(self) -> bool:
        try:
            return httpx.get(f"{self._execution_api}/health", timeout=10, trust_env=False).is_success
        except httpx.HTTPError:
            return False

    def _make_sure_that_it_is_ours(self) -> None:
        """Compare a name that nobody else has; another Airflow may answer where ours could not listen."""
        try:
            sections = self.api.get("config", "section", "api", "option", "instance_name")["sections"]
            name = sections[0]["options"][0]["value"]
        except (ResponseError, LookupError, TypeError) as error:
            if isinstance(error, ResponseError) and error.retryable:
                raise
            raise _PortTakenError(f"Another server answers at {self.url}: {error}") from error
        if name != self.name:
            raise _PortTakenError(f"Another Airflow, {name!r}, answers at {self.url}")


def end_leftovers(home: Path) -> None:
    """End what an Airflow that :meth:`AirflowServer.start` started in this folder has left running, if it did."""
    file = home / _SESSION
    try:
        session = int(file.read_text())
    except (OSError, ValueError):
        return
    end_session(session, within=home)
    if not session_members(session, within=home):
        file.unlink(missing_ok=True)


def _environment(folder: Path, dags: Path, ports: _Ports, name: str) -> dict[str, str]:
    """Return the environment of the demo's Airflow: no setting of the caller's own Airflow is in it."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AIRFLOW")}
    bundle = {
        "name": "examples",
        "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
        "kwargs": {"path": str(dags)},
    }
    url = f"http://127.0.0.1:{ports.api}"
    # A proxy of the caller's is for the world outside: Airflow's own parts talk to each other here.
    direct = ",".join(filter(None, [kept.get("NO_PROXY") or kept.get("no_proxy"), "127.0.0.1", "localhost"]))
    return kept | {
        "NO_PROXY": direct,
        "no_proxy": direct,
        # `airflow standalone` starts its parts by the name `airflow`.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)]),
        "PYTHONSAFEPATH": "1",
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        "AIRFLOW__CLOUDFN__TRY_IT": "True",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{ports.execution_api}/execution/",
        "AIRFLOW__CORE__FERNET_KEY": Fernet.generate_key().decode(),
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([bundle]),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder}/airflow.db?timeout={_DATABASE_PATIENCE}",
        # The API server of the tasks starts while `airflow standalone` makes the database.
        "AIRFLOW__DATABASE__CHECK_MIGRATIONS": "False",
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": str(_DATABASE_PATIENCE + 30),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(ports.api),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__INSTANCE_NAME": name,
        "AIRFLOW__API__EXPOSE_CONFIG": "non-sensitive-only",
        "AIRFLOW__API__SECRET_KEY": secrets.token_hex(16),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(ports.worker_logs),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(ports.triggerer_logs),
    }
