"""Keeps Python's garbage collector off what was there before many objects are made."""

from __future__ import annotations

import gc
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["new_garbage_only"]

#: Python 3.12 begins with a few hundred that are put aside; whoever puts them aside on purpose has many more.
_OF_PYTHON: Final = 5_000
#: After how many new objects it looks: with a hundred calls under way there are always some thousands, none of them garbage.
_YOUNG: Final = 10_000


@contextmanager
def new_garbage_only() -> Iterator[None]:
    """
    Let the garbage collector look at new objects only, and not as often, for as long as the block lasts.

    It would walk over all that Airflow has imported, again and again: with ten thousand calls, for a third of their time. Of
    blocks that overlap, in several threads, the last one to end puts all back.
    """
    _blocks.begin()
    try:
        yield
    finally:
        _blocks.end()


class _Blocks:
    """The blocks that last, in all threads: there is one garbage collector."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._is_first = False
        self._thresholds = (0, 0, 0)

    def begin(self) -> None:
        with self._lock:
            self._count += 1
            if self._count > 1:
                return
            # What somebody else has put aside stays so, such as Airflow's LocalExecutor before it forks: there is no taking back
            # a part.
            self._is_first = gc.get_freeze_count() < _OF_PYTHON
            self._thresholds = gc.get_threshold()
            gc.freeze()
            if self._thresholds[0]:  # 0 is what somebody writes who wants no collector at all.
                gc.set_threshold(max(self._thresholds[0], _YOUNG), *self._thresholds[1:])

    def end(self) -> None:
        with self._lock:
            self._count -= 1
            if self._count:
                return
            gc.set_threshold(*self._thresholds)
            if self._is_first:
                gc.unfreeze()


_blocks = _Blocks()
