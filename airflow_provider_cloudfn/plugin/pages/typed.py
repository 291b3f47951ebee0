"""
What an expression gives while somebody types it: evaluated in a process that is kept for as long as he does.

To start one takes Airflow seconds. Each is the command ``airflow cloudfn eval`` for the values of one step, and evaluates one
expression after the other.
"""

from __future__ import annotations

import atexit
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from airflow_provider_cloudfn.plugin.pages.confined import SECONDS, Ended, Running

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

__all__ = ["evaluate", "forget"]

#: How many processes are kept beside one API server.
_KEPT: Final = 2
#: Seconds without an expression after which one is ended; the values of a run can change meanwhile.
_IDLE: Final = 60.0
#: Seconds that an expression has whose process has answered before.
_SOON: Final = 10.0


class _Evaluator:
    """
    A process that evaluates expressions over the same values.

    :param arguments: Returns the arguments of its command; it may write files into the folder that it is given.
    """

    def __init__(self, arguments: Callable[[Path], Sequence[str]]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="cloudfn-try-")
        self.running = Running(arguments(Path(self._folder.name)), reads=True)
        self._has_answered = False
        self._turn = threading.Lock()
        #: How many want it now, the one whose turn it is among them.
        self.wanted_by = 0
        #: Whether the last one of these ends it.
        self.is_forgotten = False
        self.last_used = time.monotonic()

    def evaluate(self, source: str) -> Ended:
        with self._turn:
            self.running.tell(_lines(source))
            ended = self.running.answer(_SOON if self._has_answered else SECONDS)
            self._has_answered = True
            # What it had to read it has read by now.
            self._folder.cleanup()
            return ended

    def end(self) -> None:
        self.running.end()
        self._folder.cleanup()


_kept: dict[Hashable, _Evaluator] = {}
#: For that, for how many want each of them, and for who ends the idle ones.
_lock = threading.Lock()
_watch: threading.Timer | None = None


def evaluate(whose: Hashable, arguments: Callable[[Path], Sequence[str]], source: str) -> Ended | None:
    """
    Evaluate an expression; None where all processes that may be kept are at work.

    :param whose: Whose expression it is, and over what values.
    :param arguments: Returns the arguments of the command that has these values; called where a process is started.
    :param source: The expression; an empty one only starts the process.
    """
    found = _taken(whose, arguments)
    if found is None:
        return None
    ended = None
    try:
        ended = found.evaluate(source) if source.strip() else Ended()
    finally:
        with _lock:
            found.wanted_by -= 1
            found.last_used = time.monotonic()
            # What was asked and not answered would be the answer to the next one.
            if ended is None or ended.problem is not None:
                found.is_forgotten = True
                if _kept.get(whose) is found:
                    del _kept[whose]
            is_last = found.is_forgotten and not found.wanted_by
        if is_last:
            found.end()
    return ended


def forget(whose: Hashable) -> None:
    """
    End a process, if it is there: the next expression is evaluated over what is there then.

    :param whose: As of :func:`evaluate`.
    """
    with _lock:
        found = _kept.pop(whose, None)
        if found is None:
            return
        found.is_forgotten = True
        if found.wanted_by:
            return
    found.end()


def _taken(whose: Hashable, arguments: Callable[[Path], Sequence[str]]) -> _Evaluator | None:
    """Return a process, another one ended for it where there is no room; None where all are at work, or two wait for it."""
    _end_idle()
    with _lock:
        found = _kept.get(whose)
        if found is not None and found.running.has_ended and not found.wanted_by:
            _kept.pop(whose).end()
            found = None
        if found is None:
            free = [one for one, evaluator in _kept.items() if not evaluator.wanted_by]
            if len(_kept) >= _KEPT:
                if not free:
                    return None
                _kept.pop(min(free, key=lambda one: _kept[one].last_used)).end()
            found = _kept[whose] = _Evaluator(arguments)
            _watch_over_idle()
        # Whoever waits here holds a thread of the API server.
        if found.wanted_by > 1:
            return None
        found.wanted_by += 1
        return found


def _watch_over_idle() -> None:
    """Have one thread look after those that nobody uses any more, for as long as there are any."""
    global _watch
    if _watch is None and _kept:
        _watch = threading.Timer(_IDLE / 4, _look)
        _watch.daemon = True
        _watch.start()


def _look() -> None:
    global _watch
    _end_idle()
    with _lock:
        _watch = None
        _watch_over_idle()


def _end_idle() -> None:
    with _lock:
        now = time.monotonic()
        idle = [whose for whose, one in _kept.items() if now - one.last_used > _IDLE and not one.wanted_by]
        ended = [_kept.pop(whose) for whose in idle]
    for one in ended:
        one.end()


def _end_all() -> None:
    while _kept:
        _kept.popitem()[1].end()


def _lines(source: str) -> bytes:
    """Return an expression as the command reads it: a line that ends with a backslash goes on in the next one."""
    lines = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if lines[-1].endswith("\\"):
        lines[-1] += " "
    return "\\\n".join(lines).encode("utf-8", "replace") + b"\n"


atexit.register(_end_all)
