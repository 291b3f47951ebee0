"""
Runs a command and ends all that it has started as soon as whoever asked for it is gone, however that ended.

``python -m airflow_provider_cloudfn.cli.demo.keeper COMMAND…`` is the first process of a session, its standard input a
pipe: at the pipe's end, or when the command ends, every other process of the session is ended.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

from airflow_provider_cloudfn.cli.demo.sessions import end_session

__all__ = ["main"]


def main(command: list[str]) -> int:
    """
    Run a command until it ends, standard input ends, or a signal asks for the end; return the command's exit code.

    :param command: The program and its arguments.
    """
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: over.set())
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 - the demo's own command

    def watch_command() -> None:
        process.wait()
        over.set()

    def watch_input() -> None:
        while os.read(0, 1024):
            pass
        over.set()

    for watch in (watch_command, watch_input):
        threading.Thread(target=watch, daemon=True).start()
    over.wait()
    end_session(os.getsid(0), spare=os.getpid())
    return process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
