"""
One at a time: who needs a new token waits for whoever is fetching it, and takes what that one got.

A scheme never waits itself. It yields a :class:`TokenLock`, and the driver takes it (see ``acquire_in_time`` of the
client), waiting as suits it; the scheme gives it back. It is a thread lock within the process, which works whichever event
loops its threads have, and whatever else a store adds for other processes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import threading

__all__ = ["ProcessLock", "TokenLock"]


class TokenLock(Protocol):
    """The right to fetch a token."""

    def try_acquire(self) -> bool:
        """Take it unless another one has it; never waits. Whether it was taken."""

    def release(self) -> None:
        """Give it back, if it was taken."""


class ProcessLock:
    """
    One at a time within this process.

    :param lock: What those who want the same token share.
    """

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock
        self._taken = False

    def try_acquire(self) -> bool:
        """Take it unless another one has it; never waits. Whether it was taken."""
        self._taken = self._taken or self._lock.acquire(blocking=False)
        return self._taken

    def release(self) -> None:
        """Give it back, if it was taken."""
        if self._taken:
            self._taken = False
            self._lock.release()
