"""``airflow cloudfn sandbox``, as a process of its own."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest
from airflow.models.connection import Connection

if TYPE_CHECKING:
    from pathlib import Path

_RUN = """
import argparse, sys
from airflow_provider_cloudfn.cli.sandbox_command import sandbox
sandbox(argparse.Namespace(port=int(sys.argv[1]), token_seconds=300, connections=sys.argv[2] or None, callback=None))
"""


def _start(port: int = 0, connections: str = "") -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _RUN, str(port), connections]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _url(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().split()[4].rstrip(",")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_runs_until_it_is_asked_to_stop(number: signal.Signals) -> None:
    process = _start()
    assert httpx.get(f"{_url(process)}/_sandbox/health", trust_env=False).status_code == 200
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")


def test_what_it_prints_defines_the_connections() -> None:
    process = _start()
    url = _url(process)
    process.send_signal(signal.SIGTERM)
    assert process.stdout is not None
    printed = process.stdout.read()
    assert process.wait(30) == 0
    exports = [shlex.split(line)[1] for line in printed.splitlines() if line.startswith("export ")]
    defined = dict(export.split("=", 1) for export in exports)
    shop = Connection.from_json(defined["AIRFLOW_CONN_SHOP"])
    assert (shop.conn_type, shop.host) == ("cloudfn", f"{url}/header")
    assert set(defined) >= {"AIRFLOW_CONN_PAYMENTS", "AIRFLOW_CONN_EMPORIX", "AIRFLOW_CONN_CLOUDFN_DEFAULT"}


def test_it_writes_the_connections_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "connections.json"
    file.write_text("old, and readable by all")
    file.chmod(0o644)
    process = _start(connections=str(file))
    url = _url(process)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert file.stat().st_mode & 0o777 == 0o600
    assert json.loads(file.read_text())["payments"]["host"] == f"{url}/oauth2"


def test_a_file_that_cannot_be_written_ends_it(tmp_path: Path) -> None:
    _, errors = (process := _start(connections=str(tmp_path / "missing" / "file"))).communicate(timeout=30)
    assert process.returncode == 1
    assert "--connections: can't write" in errors
    assert "No such file or directory" in errors


def test_a_taken_port_ends_it_with_the_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        _, errors = (process := _start(port)).communicate(timeout=30)
    assert process.returncode == 1
    assert f"can't listen on 127.0.0.1:{port}" in errors
    assert "Traceback" not in errors


def test_airflow_imports_the_file(tmp_path: Path) -> None:
    file = tmp_path / "connections.json"
    process = _start(connections=str(file))
    _url(process)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    from airflow.secrets.local_filesystem import load_connections_dict

    loaded = load_connections_dict(os.fspath(file))
    assert loaded["shop"].extra_dejson["key_name"] == "x-api-key"
    assert loaded["emporix"].conn_type == "emporix_oe"
