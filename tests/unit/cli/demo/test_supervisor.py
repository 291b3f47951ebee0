"""Ending all that a command has started."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from airflow_provider_cloudfn.cli.demo.sessions import end_session, session_members
from airflow_provider_cloudfn.cli.demo.supervisor import SEPARATOR

if TYPE_CHECKING:
    from pathlib import Path

# Starts three processes, one of them in a group of its own, as Airflow's parts and tasks are, and tells when they are there.
_FAMILY = r"""
import os, sys, time
for own_group in (False, True):
    if os.fork() == 0:
        if own_group:
            os.setpgid(0, 0)
        os.write(1, b"here\n")
        time.sleep(600)
os.write(1, b"here\n")
time.sleep(float(sys.argv[1]))
sys.exit(7)
"""
# One that does not end when it is asked to.
_STUBBORN = r"""
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.write(1, b"here\n")
time.sleep(600)
"""

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts a command as a session, and waits for as many lines as it says it prints."""
    started: list[subprocess.Popen[str]] = []

    def run(*command: str, lines: int = 3) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=tmp_path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        assert process.stdout is not None
        for _ in range(lines):
            assert process.stdout.readline() == "here\n"
        return process

    yield run
    for process in started:
        end_session(process.pid, seconds=0)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def _kept(*seconds: float) -> tuple[str, ...]:
    """Return how a supervisor is started, with a family for as long as each of these."""
    families = [[sys.executable, "-c", _FAMILY, str(each)] for each in seconds]
    separated = [part for family in families for part in (SEPARATOR, *family)]
    return ("-m", "airflow_provider_cloudfn.cli.demo.supervisor", *separated[1:])


def test_everything_ends_when_its_input_ends(start: Start) -> None:
    supervisor = start(*_kept(600))
    assert len(session_members(supervisor.pid)) == 4
    assert supervisor.stdin is not None
    supervisor.stdin.close()
    supervisor.wait(30)
    assert session_members(supervisor.pid) == []


def test_everything_ends_when_the_command_ends_whose_exit_code_it_returns(start: Start) -> None:
    supervisor = start(*_kept(0.1))
    assert supervisor.wait(30) == 7
    assert session_members(supervisor.pid) == []


def test_everything_ends_when_one_of_two_commands_ends_whose_exit_code_it_returns(start: Start) -> None:
    supervisor = start(*_kept(600, 3), lines=6)
    assert supervisor.wait(30) == 7
    assert session_members(supervisor.pid) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_everything_ends_when_it_is_asked_to(start: Start, number: signal.Signals) -> None:
    supervisor = start(*_kept(600))
    supervisor.send_signal(number)
    supervisor.wait(30)
    assert session_members(supervisor.pid) == []


def test_what_a_killed_supervisor_left_can_be_ended(start: Start, tmp_path: Path) -> None:
    supervisor = start(*_kept(600))
    supervisor.kill()
    supervisor.wait(30)
    assert len(session_members(supervisor.pid)) == 3
    end_session(supervisor.pid, within=tmp_path)
    assert session_members(supervisor.pid) == []


def test_a_process_that_does_not_end_is_killed(start: Start) -> None:
    stubborn = start("-c", _STUBBORN, lines=1)
    stubborn.send_signal(signal.SIGTERM)
    assert session_members(stubborn.pid) != []
    end_session(stubborn.pid, seconds=0.2)
    assert session_members(stubborn.pid) == []


def test_a_session_of_another_folder_is_left_alone(start: Start, tmp_path: Path) -> None:
    other = start("-c", _STUBBORN, lines=1)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    end_session(other.pid, within=elsewhere, seconds=0)
    assert other.poll() is None
    assert [process.pid for process in session_members(other.pid, within=tmp_path)] == [other.pid]


def test_a_spared_process_lives_on(start: Start) -> None:
    other = start("-c", _STUBBORN, lines=1)
    end_session(other.pid, spare=other.pid, seconds=0)
    assert other.poll() is None
