"""Ends a session of processes: all that a process has started, whatever groups they have put themselves into."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import psutil

__all__ = ["end_session", "session_members"]


def session_members(session: int, *, spare: int = 0, within: Path | None = None) -> list[psutil.Process]:
    """
    Return the living processes of a session.

    :param session: The session's id, which is that of the process that began it.
    :param spare: The id of a process to leave out.
    :param within: Only those whose working directory is this folder or lies in it. Ids are used again: this tells a
        session that one has started from a later one of the same number.
    """
    members = []
    for pid in psutil.pids():
        try:
            if pid == spare or os.getsid(pid) != session:
                continue
            process = psutil.Process(pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            if within is None or Path(process.cwd()).is_relative_to(within):
                members.append(process)
        except (psutil.Error, OSError):
            continue
    return members


def end_session(session: int, *, spare: int = 0, within: Path | None = None, seconds: float = 5) -> None:
    """
    Ask the processes of a session to end, and kill those that have not when the time is over.

    :param within: As :func:`session_members` has it.
    :param seconds: How long they have.
    """
    members = session_members(session, spare=spare, within=within)
    for process in members:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    psutil.wait_procs(members, timeout=seconds)
    # A process that was being started meanwhile is not among those that were asked.
    while left := session_members(session, spare=spare, within=within):
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=1)
