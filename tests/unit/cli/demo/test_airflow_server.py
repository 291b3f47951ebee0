"""Starting an Airflow of one's own: here a stand-in that listens where it is told and says who it is."""

from __future__ import annotations

import itertools
import json
import sys
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from airflow_provider_cloudfn.cli.demo.airflow_server import AirflowServer, StartError, end_leftovers
from airflow_provider_cloudfn.cli.demo.ports import free_ports
from airflow_provider_cloudfn.cli.demo.sessions import session_members

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Takes its port and its name from where Airflow does. A port that is taken is said in the words of uvicorn, and not fatal
# for `airflow standalone`, which goes on without that part.
_STAND_IN = """
import http.server, json, os, sys, time
standalone = sys.argv[1] == "standalone"
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        parts = {name: {"status": "healthy"} for name in ("metadatabase", "scheduler", "dag_processor", "triggerer")}
        name = os.environ["AIRFLOW__API__INSTANCE_NAME"]
        config = {"sections": [{"name": "api", "options": [{"key": "instance_name", "value": name}]}]}
        if not standalone and self.path != "/execution/health":
            return self.send_error(404)
        content = json.dumps(parts if self.path.endswith("health") else config).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
if standalone:
    print("environment:", json.dumps(dict(os.environ)), flush=True)
port = os.environ["AIRFLOW__API__PORT"] if standalone else sys.argv[sys.argv.index("--port") + 1]
try:
    server = http.server.HTTPServer(("127.0.0.1", int(port)), Handler)
except OSError:
    print("[Errno 98] error while attempting to bind on address: address already in use", flush=True)
    time.sleep(600 if standalone else 0)
    raise SystemExit(1)
server.serve_forever()
"""
_AIRFLOW = (sys.executable, "-c", _STAND_IN)


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
    server = AirflowServer.start(tmp_path, tmp_path, airflow=_AIRFLOW)
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
    server = AirflowServer.start(tmp_path, tmp_path / "dags", airflow=_AIRFLOW)
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
    server = AirflowServer.start(tmp_path, tmp_path, airflow=_AIRFLOW)
    server.stop()
    environment = _environment(server)
    port = environment["AIRFLOW__API__PORT"]
    tasks = environment["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"].removesuffix("/execution/")
    logs = [environment[f"AIRFLOW__LOGGING__{part}_LOG_SERVER_PORT"] for part in ("WORKER", "TRIGGER")]
    assert server.url == environment["AIRFLOW__API__BASE_URL"] == f"http://127.0.0.1:{port}"
    assert len({port, tasks.removeprefix("http://127.0.0.1:"), *logs}) == 4


def test_tasks_have_an_api_server_of_their_own_that_answers_when_start_returns(tmp_path: Path) -> None:
    server = AirflowServer.start(tmp_path, tmp_path, airflow=_AIRFLOW)
    url = _environment(server)["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"]
    try:
        assert httpx.get(f"{url}health").status_code == 200
        assert httpx.get(f"{url}monitor").status_code == 404
    finally:
        server.stop()


def _ports_of(*first: int, place: int = 0) -> Callable[[int], list[int]]:
    """Return a source of ports that has one of these in that place, time after time, and after them a free one."""
    given = itertools.chain(first, iter(lambda: free_ports(1)[0], None))

    def ports(count: int) -> list[int]:
        found = free_ports(count - 1)
        return [*found[:place], next(given), *found[place:]]

    return ports


@pytest.mark.parametrize("place", [0, 1], ids=["its API", "the API of its tasks"])
def test_where_another_server_took_the_port_it_takes_another_one(
    tmp_path: Path, serve: Callable[[Any], str], place: int
) -> None:
    foreign = serve(_other_airflow("Airflow"))
    server = AirflowServer.start(tmp_path, tmp_path, ports=_ports_of(_port(foreign), place=place), airflow=_AIRFLOW)
    server.stop()
    assert foreign not in (server.url, _environment(server)["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"][: len(foreign)])


def test_where_a_port_of_its_own_parts_is_taken_it_takes_others(tmp_path: Path) -> None:
    # What it says of a log server whose port was taken, while its API answers.
    once = "import pathlib; seen = pathlib.Path('../seen'); first = not seen.exists(); seen.touch(); "
    said = once + "print('[Errno 98] address already in use' if first else '', flush=True)"
    server = AirflowServer.start(tmp_path, tmp_path, airflow=(sys.executable, "-c", said + _STAND_IN))
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
        AirflowServer.start(tmp_path, tmp_path, ports=_ports_of(*[_port(foreign)] * 3), airflow=silent)
    assert not (tmp_path / "session").exists()


def test_when_it_ends_while_it_starts_its_last_words_are_told(tmp_path: Path) -> None:
    broken = (sys.executable, "-c", "print('the database is broken'); raise SystemExit(3)")
    with pytest.raises(StartError, match=r"(?s)ended while it started.*the database is broken"):
        AirflowServer.start(tmp_path, tmp_path, airflow=broken)


def test_the_state_of_an_earlier_one_is_removed(tmp_path: Path) -> None:
    old = tmp_path / "airflow" / "airflow.db"
    old.parent.mkdir()
    old.write_text("old")
    AirflowServer.start(tmp_path, tmp_path, airflow=_AIRFLOW).stop()
    assert not old.exists()


def test_what_is_left_of_one_whose_supervisor_was_killed_can_be_ended(tmp_path: Path) -> None:
    server = AirflowServer.start(tmp_path, tmp_path, airflow=_AIRFLOW)
    session = _session(tmp_path)
    server._supervisor.kill()
    server._supervisor.wait()
    assert session_members(session) != []
    end_leftovers(tmp_path)
    assert session_members(session) == []


@pytest.mark.parametrize("content", [None, "", "no number"])
def test_where_nothing_was_left_nothing_is_ended(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "session").write_text(content)
    end_leftovers(tmp_path)
