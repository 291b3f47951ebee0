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
from typing import IO, TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Ended", "rehearse"]

#: Seconds of processor time, and of time, that a rehearsal has.
_PROCESSOR: Final = 40
_SECONDS: Final = 60.0
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


def rehearse(arguments: Sequence[str], *, seconds: float = _SECONDS) -> Ended | None:
    """
    Run a command of ``airflow cloudfn`` that prints JSON; None where too many run already.

    :param arguments: The command and its arguments.
    :param seconds: How long it may take.
    """
    if not _places.acquire(blocking=False):
        return None
    try:
        return _ran([sys.executable, "-m", __name__, "cloudfn", *arguments], seconds)
    finally:
        _places.release()


def _ran(command: Sequence[str], seconds: float) -> Ended:
    process = subprocess.Popen(  # noqa: S603 - our own command; what the user gives is an argument
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )
    assert process.stdout is not None  # noqa: S101 - it was asked for
    try:
        printed = _printed(process.stdout, time.monotonic() + seconds)
    finally:
        _end(process)
        process.stdout.close()
    if printed is None or process.returncode == -signal.SIGXCPU:
        return Ended(problem=f"It took more than {seconds:.0f} seconds, and was ended.")
    if len(printed) > _ANSWER:
        return Ended(problem=f"Its answer is larger than {_ANSWER // 1024 // 1024} MiB, and was thrown away.")
    document = _document(printed)
    if document is None:
        return Ended(problem=f"It ended without an answer (exit code {process.returncode}).")
    return Ended(document)


def _printed(pipe: IO[bytes], end: float) -> bytes | None:
    """Return what is printed; None where that has no end by then: what a Dag file has left behind can hold the pipe open."""
    printed = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while len(printed) <= _ANSWER:
            if not selector.select(max(0.0, end - time.monotonic())):
                return None
            if not (piece := os.read(pipe.fileno(), 64 * 1024)):
                break
            printed += piece
    return bytes(printed)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and all that it started, if it has not ended."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        # What it printed is read to its end: it is about to end by itself.
        process.wait(timeout=0.5)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _document(printed: bytes) -> bytes | None:
    """Return the document, without what Airflow may log around it while it starts and ends."""
    lines = printed.splitlines(keepends=True)
    # It is indented: no other line of it is a brace alone.
    try:
        start = lines.index(b"{\n")
        return b"".join(lines[start : lines.index(b"}\n", start) + 1])
    except ValueError:
        return None


def _run() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (_PROCESSOR, _PROCESSOR + 5))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from airflow.__main__ import main

    main()  # type: ignore[no-untyped-call]  # Airflow has not typed it


if __name__ == "__main__":
    _run()
