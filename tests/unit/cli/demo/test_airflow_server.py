"""Starting an Airflow of one's own: here a stand-in that listens where it is told and says who it is."""

from __future__ import annotations

import itertools
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_cloudfn.cli.demo.airflow_server import AirflowServer, StartError, end_leftovers
from airflow_provider_cloudfn.cli.demo.ports import free_ports
from airflow_provider_cloudfn.cli.demo.sessions import session_members

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Takes its port and its name from where Airflow does. A port that is taken is said in the words of uvicorn, and not fatal.
_STAND_IN = """
import http.server, json, os, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        parts = {name: {"status": "healthy"} for name in ("metadatabase", "scheduler", "dag_processor", "triggerer")}
        name = os.environ["AIRFLOW__API__INSTANCE_NAME"]
        config = {"sections": [{"name": "api", "options": [{"key": "instance_name", "value": name}]}]}
        content = json.dumps(parts if self.path.endswith("health") else config).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
print("environment:", json.dumps(dict(os.environ)), flush=True)
try:
    server = http.server.HTTPServer(("127.0.0.1", int(os.environ["AIRFLOW__API__PORT"])), Handler)
except OSError:
    print("[Errno 98] error while attempting to bind on address: address already in use", flush=True)
    time.sleep(600)
server.serve_forever()
"""
_COMMAND = (sys.executable, "-c", _STAND_IN)


def _other_airflow(name: str) -> dict[str, tuple[int, Any]]:
    config = {"sections": [{"name": "api", "options": [{"key": "instance_name", "value": name}]}]}
    return {"GET /api/v2/config/section/api/option/instance_name": (200, config)}


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])


def _session(home: Path) -> int:
    return int((home / "session").read_text())


def _environment(server: AirflowServer) -> dict[str, str]:
    line = next(line for line in server.log.read_text().splitlines() if line.startswith("environment:"))
    found: dict[str, str] = json.loads(line.removeprefix("environment: "))
    return found


def test_it_is_there_when_start_returns_and_gone_when_stop_does(tmp_path: Path) -> None:
    server = AirflowServer.start(tmp_path, tmp_path, command=_COMMAND)
    session = _session(tmp_path)
    assert server.is_running
    assert server.api.get("monitor", "health")["scheduler"]["status"] == "healthy"
    server.stop()
    assert not server.is_running
    assert session_members(session) == []


def test_nothing_of_the_callers_own_airflow_reaches_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", "http://elsewhere")
    monkeypatch.setenv("NO_PROXY", "intern.example.com")
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    server = AirflowServer.start(tmp_path, tmp_path / "dags", command=_COMMAND)
    server.stop()
    environment = _environment(server)
    assert "AIRFLOW_CONN_SHOP" not in environment
    assert "AIRFLOW__CORE__EXECUTOR" not in environment
    assert environment["NO_PROXY"] == environment["no_proxy"] == "intern.example.com,127.0.0.1,localhost"
    assert environment["AIRFLOW_HOME"] == str(tmp_path / "airflow")
    assert environment["AIRFLOW__API__HOST"] == "127.0.0.1"
    (bundle,) = json.loads(environment["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"])
    assert bundle["kwargs"] == {"path": str(tmp_path / "dags")}


def test_its_four_addresses_have_different_ports(tmp_path: Path) -> None:
    server = AirflowServer.start(tmp_path, tmp_path, command=_COMMAND)
    server.stop()
    environment = _environment(server)
    names = (
        "AIRFLOW__API__PORT",
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT",
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT",
    )
    assert len({environment[name] for name in names}) == 3
    port = environment["AIRFLOW__API__PORT"]
    assert server.url == environment["AIRFLOW__API__BASE_URL"] == f"http://127.0.0.1:{port}"
    assert environment["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == f"http://127.0.0.1:{port}/execution/"


def _ports_of(*first: int) -> Callable[[int], list[int]]:
    """Return a source of ports whose first one is, time after time, one of these, and after them a free one."""
    given = itertools.chain(first, iter(lambda: free_ports(1)[0], None))
    return lambda count: [next(given), *free_ports(count - 1)]


def test_where_another_server_took_the_port_it_takes_another_one(tmp_path: Path, serve: Callable[[Any], str]) -> None:
    foreign = serve(_other_airflow("Airflow"))
    server = AirflowServer.start(tmp_path, tmp_path, ports=_ports_of(_port(foreign)), command=_COMMAND)
    server.stop()
    assert server.url != foreign


def test_where_a_port_of_its_own_parts_is_taken_it_takes_others(tmp_path: Path) -> None:
    # What it says of a log server whose port was taken, while its API answers.
    once = "import pathlib; seen = pathlib.Path('../seen'); first = not seen.exists(); seen.touch(); "
    said = once + "print('[Errno 98] address already in use' if first else '', flush=True)"
    server = AirflowServer.start(tmp_path, tmp_path, command=(sys.executable, "-c", said + _STAND_IN))
    server.stop()
    assert "address already in use" not in server.log.read_text()


@pytest.mark.parametrize(
    "answers",
    [_other_airflow("Airflow"), {}, {"GET /api/v2/config/section/api/option/instance_name": (200, "<html>")}],
    ids=["another Airflow", "no Airflow", "no API"],
)
def test_it_is_never_mistaken_for_another_server(
    tmp_path: Path, serve: Callable[[Any], str], answers: dict[str, tuple[int, Any]]
) -> None:
    foreign = serve(answers)
    silent = (sys.executable, "-c", "import time; time.sleep(600)")
    with pytest.raises(StartError, match="answers at http://127"):
        AirflowServer.start(tmp_path, tmp_path, ports=_ports_of(*[_port(foreign)] * 3), command=silent)
    assert not (tmp_path / "session").exists()


def test_when_it_ends_while_it_starts_its_last_words_are_told(tmp_path: Path) -> None:
    command = (sys.executable, "-c", "print('the database is broken'); raise SystemExit(3)")
    with pytest.raises(StartError, match=r"(?s)ended while it started.*the database is broken"):
        AirflowServer.start(tmp_path, tmp_path, command=command)


def test_the_state_of_an_earlier_one_is_removed(tmp_path: Path) -> None:
    old = tmp_path / "airflow" / "airflow.db"
    old.parent.mkdir()
    old.write_text("old")
    AirflowServer.start(tmp_path, tmp_path, command=_COMMAND).stop()
    assert not old.exists()


def test_what_is_left_of_one_whose_keeper_was_killed_can_be_ended(tmp_path: Path) -> None:
    server = AirflowServer.start(tmp_path, tmp_path, command=_COMMAND)
    session = _session(tmp_path)
    server._keeper.kill()
    server._keeper.wait()
    assert session_members(session) != []
    end_leftovers(tmp_path)
    assert session_members(session) == []


@pytest.mark.parametrize("content", [None, "", "no number"])
def test_where_nothing_was_left_nothing_is_ended(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "session").write_text(content)
    end_leftovers(tmp_path)
