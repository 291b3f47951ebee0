"""The demo's program."""

from __future__ import annotations

import fcntl
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from airflow_provider_cloudfn.cli.demo.__main__ import main

if TYPE_CHECKING:
    from pathlib import Path

_HOLDER = """
import fcntl, os, sys, time
lock = open(sys.argv[1], "a+")
fcntl.flock(lock, fcntl.LOCK_EX)
lock.write(str(os.getpid()))
lock.flush()
print("here", flush=True)
time.sleep(600)
"""


@pytest.fixture
def other_demo(tmp_path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(tmp_path / "lock")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    return process


def test_there_is_one_demo_in_a_folder(
    tmp_path: Path, other_demo: subprocess.Popen[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with other_demo:
        assert main(["--home", str(tmp_path), "--dags", str(tmp_path)]) == 1
        assert f"is running already, as process {other_demo.pid}." in capsys.readouterr().err
        other_demo.kill()


def test_stop_ends_the_demo_of_the_folder(tmp_path: Path, other_demo: subprocess.Popen[str]) -> None:
    with other_demo:
        assert main(["--home", str(tmp_path), "--stop"]) == 0
        assert other_demo.wait(30) == -signal.SIGTERM


def test_stop_is_content_where_there_is_none(tmp_path: Path) -> None:
    assert main(["--home", str(tmp_path / "missing"), "--stop"]) == 0
    assert not (tmp_path / "missing").exists()
    assert main(["--home", str(tmp_path), "--stop"]) == 0


def test_a_missing_folder_of_dags_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--home", str(tmp_path), "--dags", str(tmp_path / "missing")]) == 1
    assert f"there is no folder {tmp_path / 'missing'}" in capsys.readouterr().err


def test_the_folder_is_free_again_afterwards(tmp_path: Path) -> None:
    main(["--home", str(tmp_path), "--dags", str(tmp_path / "missing")])
    with (tmp_path / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert lock.read() == ""
