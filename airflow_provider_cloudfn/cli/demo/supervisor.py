"""
Runs commands and ends all that they have started as soon as whoever asked for them is gone, however that ended.

``python -m airflow_provider_cloudfn.cli.demo.supervisor COMMAND… [-- COMMAND…]`` is the first process of a session, its
standard input a pipe: at the pipe's end, or when one of the commands ends, every other process of the session is ended.
"""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

from airflow_provider_cloudfn.cli.demo.sessions import end_session

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SEPARATOR", "main"]

#: Stands between two commands.
SEPARATOR = "--"


def main(commands: Sequence[Sequence[str]]) -> int:
    """
    Run commands until one of them ends, standard input ends, or a signal asks for the end.

    :param commands: For each the program and its arguments.
    :returns: The exit code of the one that ended first; where none did, that of the first one.
    """
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: over.set())
    processes = [
        subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 - the demo's own command
        for command in commands
    ]
    ended: list[subprocess.Popen[bytes]] = []

    def watch_command(process: subprocess.Popen[bytes]) -> None:
        process.wait()
        ended.append(process)
        over.set()

    def watch_input() -> None:
        while os.read(0, 1024):
            pass
        over.set()

    for process in processes:
        threading.Thread(target=watch_command, args=(process,), daemon=True).start()
    threading.Thread(target=watch_input, daemon=True).start()
    over.wait()
    first = (ended or processes)[0]
    end_session(os.getsid(0), spare=os.getpid())
    for process in processes:
        process.wait()
    return first.wait()


if __name__ == "__main__":
    groups = itertools.groupby(sys.argv[1:], key=SEPARATOR.__eq__)
    sys.exit(main([list(command) for separates, command in groups if not separates]))
