"""
The process in which a rehearsal runs for the page: Airflow's command line, with a bound on its time and memory.

Run as a module it is that process. A Dag file is a program, and an expression can be hostile: neither runs in the API server.
"""

from __future__ import annotations

import contextlib
import os
import resource
import selectors
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SECONDS", "Ended", "Running", "rehearse"]

#: Seconds of processor time, and of time, that a rehearsal has.
_PROCESSOR: Final = 40
SECONDS: Final = 60.0
#: Bytes of memory, most of which is what Airflow itself maps.
_MEMORY: Final = 4 * 1024**3
#: Bytes of its answer that are read.
_ANSWER: Final = 4 * 1024 * 1024
#: How many may run at once beside one API server.
_AT_ONCE: Final = 2

_places = threading.BoundedSemaphore(_AT_ONCE)


class Ended(msgspec.Struct, frozen=True):
    """
    How a rehearsal ended.

    :param document: The JSON document that it printed; None where it printed none.
    :param problem: Why there is none.
    """

    document: bytes | None = None
    problem: str | None = None


def rehearse(arguments: Sequence[str], *, seconds: float = SECONDS) -> Ended | None:
    """
    Run a command of ``airflow cloudfn`` that prints JSON; None where too many run already.

    :param arguments: The command and its arguments.
    :param seconds: How long it may take.
    """
    if not _places.acquire(blocking=False):
        return None
    try:
        running = Running(arguments)
        try:
            return running.answer(seconds)
        finally:
            # It has printed what it had to, and is about to end by itself.
            running.end(grace=0.5)
    finally:
        _places.release()


class Running:
    """
    A command of ``airflow cloudfn`` that runs.

    :param arguments: The command and its arguments.
    :param reads: Whether it reads lines, and prints a document for each.
    """

    def __init__(self, arguments: Sequence[str], *, reads: bool = False) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own command; what the user gives is an argument
            _command(arguments),
            stdin=subprocess.PIPE if reads else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._printed = bytearray()

    @property
    def has_ended(self) -> bool:
        """Whether it has ended by itself; its number stays its own until `end`, which ends what it has left behind."""
        if self._process.returncode is not None:
            return True
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def tell(self, line: bytes) -> None:
        """
        Give it something to read.

        :param line: The line.
        """
        assert self._process.stdin is not None  # noqa: S101 - it was asked for
        # One that has ended reads nothing: what it printed says why.
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(line)
            self._process.stdin.flush()

    def answer(self, seconds: float) -> Ended:
        """
        Return the next document that it prints, or why there is none.

        :param seconds: How long that may take.
        """
        end = time.monotonic() + seconds
        while True:
            document, after = _document(bytes(self._printed))
            if document is not None:
                del self._printed[:after]
                return Ended(document)
            if len(self._printed) > _ANSWER:
                return Ended(problem=f"Its answer is larger than {_ANSWER // 1024 // 1024} MiB, and was thrown away.")
            piece = self._read(end)
            code = self._wait(0.5) if piece == b"" else None
            if piece is None or code == -signal.SIGXCPU:
                return Ended(problem=f"It took more than {seconds:.0f} seconds, and was ended.")
            if not piece:
                return Ended(problem=f"It ended without an answer (exit code {code}).")
            self._printed += piece

    def end(self, *, grace: float = 0.0) -> None:
        """
        End the process and all that it started, if it has not ended.

        :param grace: How many seconds it has to do so by itself.
        """
        self._wait(grace)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

    def _read(self, end: float) -> bytes | None:
        """Return what is printed next; None where nothing is by then: what a Dag file has left behind can hold the pipe open."""
        pipe = self._process.stdout
        assert pipe is not None  # noqa: S101 - it was asked for
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            if not selector.select(max(0.0, end - time.monotonic())):
                return None
        return os.read(pipe.fileno(), 64 * 1024)

    def _wait(self, seconds: float) -> int | None:
        """Return the exit code of a process that ends by itself within so long; None for another."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(timeout=seconds)
        return None


def _command(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-X", "utf8", "-m", __name__, "cloudfn", *arguments]


def _document(printed: bytes) -> tuple[bytes | None, int]:
    """Return the first document, without what Airflow may log around it while it starts and ends, and where it ends."""
    lines = printed.splitlines(keepends=True)
    # It is indented: no other line of it is a brace alone.
    try:
        start = lines.index(b"{\n")
        end = lines.index(b"}\n", start) + 1
    except ValueError:
        return None, 0
    return b"".join(lines[start:end]), sum(map(len, lines[:end]))


def _run() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (_PROCESSOR, _PROCESSOR + 5))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from airflow.__main__ import main

    main()  # type: ignore[no-untyped-call]  # Airflow has not typed it


if __name__ == "__main__":
    _run()
