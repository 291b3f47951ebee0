"""
A distributed Airflow on one machine: PostgreSQL, Redis, two API servers, two schedulers, a Dag processor, a triggerer, and two
Celery workers under two system users that share no folder.

Whatever ends is started again, as a supervisor would: PostgreSQL's stop ends Airflow's schedulers, Dag processor and
triggerer. Everything listens on 127.0.0.1, on ports that were free.
"""

from __future__ import annotations

import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from cryptography.fernet import Fernet

from airflow_provider_cloudfn.cli.demo.airflow_api import AirflowApi, until
from airflow_provider_cloudfn.cli.demo.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

#: Seconds for what takes a while on two processors.
PATIENCE = 300.0
WORKERS = ("north", "south")
_FIRST_USER = 61_001
_AIRFLOW = str(Path(sys.executable).with_name("airflow"))
_PORTS = ("postgres", "redis", "api-1", "api-2", "north", "south", "early", "triggerer")


def missing() -> str | None:
    """Return what this machine lacks for a distributed Airflow, None where it has all."""
    if postgres_program("initdb") is None:
        return "PostgreSQL is not installed (Debian: apt-get install postgresql)"
    if shutil.which("redis-server") is None:
        return "Redis is not installed (Debian: apt-get install redis-server)"
    if os.geteuid() != 0:
        return "only root can start workers under users of their own"
    if not list(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")):
        return "faketime is not installed (Debian: apt-get install faketime)"
    if shutil.which("setpriv") is None:
        return "setpriv is not installed (Debian: apt-get install util-linux)"
    return None


def postgres_program(name: str) -> str | None:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else shutil.which(name)


@dataclass
class Service:
    """A process that is started again whenever it ends, unless it is held."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    stop_signal: signal.Signals = signal.SIGTERM
    umask: int = -1
    process: subprocess.Popen[bytes] | None = None
    held: bool = False
    starts: list[float] = field(default_factory=list)

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                list(self.command),
                env=dict(self.environment),
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=self.umask,
            )
        self.starts.append(time.monotonic())

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to the process and all that it has started."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, how)


class Cluster:
    """A running one. Get it from :meth:`start`."""

    def __init__(self, dags: Sequence[Path], settings: Mapping[str, str]) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="cloudfn-cluster-"))
        self.folder.chmod(0o755)
        self._stored = self.folder / "stored"
        self._stored.mkdir()
        self._stored.chmod(0o777)
        self.ports = dict(zip(_PORTS, free_ports(len(_PORTS)), strict=True))
        self.services: dict[str, Service] = {}
        self.api = AirflowApi(f"http://127.0.0.1:{self.ports['api-1']}")
        self._dags = [self._copied(folder) for folder in dags]
        self._environment = {**self._basic_environment(), **settings}
        self._ends = threading.Event()
        self._supervisor = threading.Thread(target=self._supervise, name="supervisor", daemon=True)

    @classmethod
    @contextmanager
    def start(cls, dags: Sequence[Path], settings: Mapping[str, str]) -> Iterator[Cluster]:
        """Start one, and stop all of it at the end of the block."""
        cluster = cls(dags, settings)
        try:
            cluster._start_stores()
            cluster._migrate()
            cluster._start_airflow()
            cluster._supervisor.start()
            cluster._wait()
            yield cluster
        finally:
            cluster.stop()

    @property
    def redis_url(self) -> str:
        return f"redis://127.0.0.1:{self.ports['redis']}"

    def logs(self) -> str:
        """Return all that any part has logged, the logs of tasks included."""
        files = [path for path in self.folder.rglob("*.log") if path.is_file()]
        return "\n".join(path.read_text(errors="replace") for path in files)

    def task_logs(self, dag_id: str) -> str:
        """Return what the tasks of a Dag have logged, on whichever worker."""
        files = [path for path in self.folder.rglob("*.log") if f"dag_id={dag_id}" in str(path)]
        return "\n".join(path.read_text(errors="replace") for path in files)

    def query(self, statement: str) -> list[list[str]]:
        """Return the rows of a statement on Airflow's database, as texts."""
        psql = postgres_program("psql") or "psql"
        given = ["-h", "127.0.0.1", "-p", str(self.ports["postgres"]), "-U", "airflow", "-d", "airflow"]
        done = subprocess.run(
            [psql, *given, "-X", "-A", "-t", "-F", "\x1f", "-c", statement], check=True, capture_output=True, text=True
        )
        return [line.split("\x1f") for line in done.stdout.splitlines()]

    def dump(self) -> str:
        """Return all of Airflow's database, as text."""
        program = postgres_program("pg_dump") or "pg_dump"
        given = ["-h", "127.0.0.1", "-p", str(self.ports["postgres"]), "-U", "airflow", "airflow"]
        return subprocess.run([program, *given], check=True, capture_output=True, text=True).stdout

    @contextmanager
    def away(self, *names: str) -> Iterator[None]:
        """Let services be away for as long as the block lasts: killed, and not started again before its end."""
        for name in names:
            self.services[name].held = True
            # PostgreSQL must be asked: killed in the middle it would leave its memory locked.
            self.services[name].kill(signal.SIGINT if name == "postgres" else signal.SIGKILL)
        try:
            yield
        finally:
            for name in names:
                self.services[name].held = False

    def kill(self, name: str) -> None:
        """Kill a service, which the supervisor starts again."""
        self.services[name].kill()

    @contextmanager
    def early_worker(self) -> Iterator[None]:
        """Have one more worker, for the queue ``early``, whose clock is five minutes fast."""
        library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
        clock = [f"LD_PRELOAD={library}", "FAKETIME=+5m", "FAKETIME_DONT_FAKE_MONOTONIC=1"]
        self._add_worker("early", _FIRST_USER + len(WORKERS), "api-1", through=["env", *clock], queue="early")
        try:
            self.until(partial(self._is_ready, "early"), "the worker is not there", 180)
            yield
        finally:
            self.services["early"].held = True
            self.services["early"].kill()

    def trigger(self, dag_id: str, **conf: Any) -> str:
        return self.api.trigger(dag_id, conf)

    def finish(self, dag_id: str, run_ids: Sequence[str], seconds: float = PATIENCE) -> list[str]:
        """Return how each of the runs ended."""
        return [str(self.api.finished_run(dag_id, run_id, seconds=seconds)["state"]) for run_id in run_ids]

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.api.get("dags", dag_id, "dagRuns", limit="1000")["dag_runs"]
        return found

    def until(self, found: Callable[[], Any], otherwise: str, seconds: float = PATIENCE) -> Any:
        return until(found, seconds, otherwise)

    def stop(self) -> None:
        self._ends.set()
        if self._supervisor.is_alive():
            self._supervisor.join(10)
        last_first = [self.services[name] for name in reversed(self.services)]
        for service in last_first:
            service.kill(service.stop_signal)
        end = time.monotonic() + 20
        for service in last_first:
            if service.process is not None:
                try:
                    service.process.wait(max(0.1, end - time.monotonic()))
                except subprocess.TimeoutExpired:
                    service.kill()
                    service.process.wait(10)
        self.api.close()
        if not os.environ.get("KEEP_CLUSTER"):
            shutil.rmtree(self.folder, ignore_errors=True)

    def _copied(self, folder: Path) -> Path:
        # The checkout may lie where no other user may look.
        target = (
            self.folder / "dags" / folder.name if folder.name != "dags" else self.folder / "dags" / folder.parent.name
        )
        shutil.copytree(folder, target, ignore=shutil.ignore_patterns("__pycache__", "broken.py"))
        return target

    def _basic_environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHON"))}
        database = f"127.0.0.1:{self.ports['postgres']}/airflow"
        bundles = [
            {
                # Some names, such as example_dags, are Airflow's own.
                "name": f"dags-of-{folder.name}",
                "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
                "kwargs": {"path": str(folder)},
            }
            for folder in self._dags
        ]
        return {
            **inherited,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), inherited.get("PATH", os.defpath)]),
            "PYTHONSAFEPATH": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
            "AIRFLOW__CORE__PARALLELISM": "8",
            # The one thing that workers share: a folder, in an object storage's place.
            "AIRFLOW__CORE__XCOM_BACKEND": "airflow.providers.common.io.xcom.backend.XComObjectStorageBackend",
            "AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_PATH": self._stored.as_uri(),
            "AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_THRESHOLD": "2048",
            "AIRFLOW__CORE__MAX_ACTIVE_TASKS_PER_DAG": "8",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW__CORE__FERNET_KEY": Fernet.generate_key().decode(),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{self.ports['api-1']}/execution/",
            "AIRFLOW__API__SECRET_KEY": secrets.token_hex(16),
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://airflow@{database}",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": f"postgresql+asyncpg://airflow@{database}",
            "AIRFLOW__CLOUDFN__TOKEN_STORE": f"redis://127.0.0.1:{self.ports['redis']}/1",
            "AIRFLOW__CELERY__BROKER_URL": f"redis://127.0.0.1:{self.ports['redis']}/0",
            "AIRFLOW__CELERY__RESULT_BACKEND": f"db+postgresql+psycopg2://airflow@{database}",
            "AIRFLOW__CELERY__WORKER_CONCURRENCY": "4",
            "AIRFLOW__CELERY__WORKER_ENABLE_REMOTE_CONTROL": "True",
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(bundles),
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "300",
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
            # A killed worker is noticed sooner than by default, and an outage that is shorter kills no task.
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "150",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
            # A task that a worker took while nothing answered it is soon given to another one.
            "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "45",
            "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "10",
            "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "2",
            "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "10",
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(self.ports["triggerer"]),
        }

    def _start_stores(self) -> None:
        data = self.folder / "postgres"
        data.mkdir(mode=0o700)
        owner = pwd.getpwnam("postgres")
        os.chown(data, owner.pw_uid, owner.pw_gid)
        plain = {"PATH": os.defpath, "HOME": str(data), "LC_ALL": "C.UTF-8"}
        as_owner = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        initdb = [
            postgres_program("initdb") or "",
            "-D",
            str(data / "data"),
            "-U",
            "airflow",
            "--auth=trust",
            "-E",
            "UTF8",
        ]
        subprocess.run([*as_owner, *initdb], check=True, env=plain, cwd=data, stdout=subprocess.DEVNULL)
        options = ["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=300", "-c", "fsync=off"]
        server = [postgres_program("postgres") or "", "-D", str(data / "data"), "-k", str(data), *options]
        postgres = [*as_owner, *server, "-p", str(self.ports["postgres"])]
        self._add("postgres", postgres, plain, stop_signal=signal.SIGINT)
        stored = ["--port", str(self.ports["redis"]), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._add("redis", [shutil.which("redis-server") or "", *stored], plain)
        for name in ("postgres", "redis"):
            self.until(lambda port=self.ports[name]: _listens(port), f"{name} does not listen", 60)  # type: ignore[misc]
        createdb = [postgres_program("createdb") or "", "-h", "127.0.0.1", "-p", str(self.ports["postgres"])]

        def created() -> bool | None:
            done = subprocess.run([*createdb, "-U", "airflow", "airflow"], check=False, capture_output=True)
            return True if done.returncode == 0 or b"already exists" in done.stderr else None

        self.until(created, "PostgreSQL makes no database", 60)

    def _migrate(self) -> None:
        home = self._home("server")
        done = subprocess.run(
            [_AIRFLOW, "db", "migrate"],
            check=False,
            env={**self._environment, "AIRFLOW_HOME": str(home)},
            cwd=home,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]

    def _start_airflow(self) -> None:
        for number in (1, 2):
            name = f"api-{number}"
            port = str(self.ports[name])
            self._add_airflow(name, ["api-server", "--port", port], AIRFLOW__API__PORT=port)
        for number in (1, 2):
            self._add_airflow(f"scheduler-{number}", ["scheduler"])
        self._add_airflow("dag-processor", ["dag-processor"])
        self._add_airflow("triggerer", ["triggerer"])
        for number, name in enumerate(WORKERS):
            self._add_worker(name, _FIRST_USER + number, f"api-{number + 1}")

    def _add_airflow(self, name: str, command: Sequence[str], **settings: str) -> None:
        home = self._home(name)
        environment = {**self._environment, "AIRFLOW_HOME": str(home), **settings}
        self._add(name, [_AIRFLOW, *command], environment)

    def _add_worker(self, name: str, user: int, api: str, through: Sequence[str] = (), queue: str = "default") -> None:
        """Add a worker with a user, a home and a temporary folder of its own, and its own API server."""
        home = self._home(name)
        (home / "tmp").mkdir()
        for path in (home, home / "tmp"):
            os.chown(path, user, user)
            path.chmod(0o700)
        environment = {
            **self._environment,
            "AIRFLOW_HOME": str(home),
            "HOME": str(home),
            "USER": name,
            "LOGNAME": name,
            "TMPDIR": str(home / "tmp"),
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(self.ports[name]),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{self.ports[api]}/execution/",
        }
        # Python itself may lie where only root may look: a worker may read there, and write nowhere but at home.
        reading = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
        as_user = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *reading]
        worker = [_AIRFLOW, "celery", "worker", "--celery-hostname", f"{name}@localhost", "--concurrency", "4"]
        worker += ["--queues", queue]
        # What one worker stores, another one's user goes on with.
        self._add(name, [*as_user, *through, *worker], environment, umask=0)

    def _home(self, name: str) -> Path:
        home = self.folder / "homes" / name
        home.mkdir(parents=True, exist_ok=True)
        return home

    def _add(self, name: str, command: Sequence[str], environment: Mapping[str, str], **more: Any) -> None:
        service = Service(name, command, environment, self.folder, **more)
        self.services[name] = service
        service.start()

    def _supervise(self) -> None:
        while not self._ends.wait(0.5):
            for service in self.services.values():
                ended = service.process is not None and service.process.poll() is not None
                if ended and not service.held and time.monotonic() - service.starts[-1] > 1:
                    service.start()

    def _wait(self) -> None:
        for number in (1, 2):
            url = f"http://127.0.0.1:{self.ports[f'api-{number}']}/api/v2/monitor/health"
            self.until(lambda url=url: _is_healthy(url), f"API server {number} is not there", 180)  # type: ignore[misc]
        self.until(self._has_workers, "the workers are not there", 180)

    def _has_workers(self) -> bool | None:
        return True if all(self._is_ready(name) for name in WORKERS) else None

    def _is_ready(self, name: str) -> bool | None:
        return True if " ready." in self.services[name].log.read_text(errors="replace") else None


def _listens(port: int) -> bool | None:
    with closing(socket.socket()) as probe:
        return True if probe.connect_ex(("127.0.0.1", port)) == 0 else None


def _is_healthy(url: str) -> bool | None:
    try:
        answer = httpx.get(url, timeout=5, trust_env=False).json()
    except (httpx.HTTPError, ValueError):
        return None
    parts = ("metadatabase", "scheduler", "triggerer", "dag_processor")
    return True if all(answer[part]["status"] == "healthy" for part in parts) else None
