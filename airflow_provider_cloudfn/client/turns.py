"""
Who may send when, among all who share a limit.

It is the generic cell rate algorithm. One moment is known: when the next request would be due, if all came at equal intervals.
A request may come a little before it, so that a late one is made up for. That is all there is to keep, however many requests
there are: in memory, in a file, or in Redis.
"""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Pace", "ProcessTurns", "Schedule", "Turn", "Turns"]


class Pace(Struct, frozen=True):
    """
    A rate as it is reckoned with; without numbers there is none, and only pauses are kept.

    :param interval: Seconds between two requests.
    :param tolerance: How many seconds before it is due a request may come.
    """

    interval: float = 0.0
    tolerance: float = 0.0


class Turn(Struct, frozen=True):
    """
    When a request may be sent.

    :param wait: In how many seconds.
    :param is_paused: Whether that is because the service has asked for a pause.
    """

    wait: float
    is_paused: bool = False


class Turns(Protocol):
    """Gives turns to all who share a limit. It never waits for one itself."""

    async def take(self, pace: Pace, at_most: float) -> Turn:
        """
        Take the next turn.

        :param pace: How fast turns follow one another.
        :param at_most: How many seconds it may be away: a later one is told, but not taken.
        """

    async def paused_for(self) -> float:
        """Return for how many seconds nothing may be sent, whatever turns were taken before; 0 for no pause."""

    async def pause(self, pace: Pace, seconds: float) -> None:
        """
        Give no turns for a while, and after it no burst.

        :param pace: As of :meth:`take`.
        """


class Schedule(Struct, frozen=True):
    """
    All that is known of a limit, by one clock.

    :param due: When the next request would be due, if all came at equal intervals.
    :param paused_until: Until when nothing may be sent.
    """

    due: float = 0.0
    paused_until: float = 0.0

    def take(self, pace: Pace, now: float, at_most: float) -> tuple[Schedule, Turn]:
        """
        Return the schedule after the next turn, and that turn; a turn that is too far away is told, but not taken.

        :param pace: How fast turns follow one another.
        :param now: What the clock says.
        :param at_most: How many seconds it may be away.
        """
        moment = max(now, self.due - pace.tolerance, self.paused_until)
        turn = Turn(moment - now, self.paused_until > now)
        if turn.wait > at_most:
            return self, turn
        return Schedule(max(self.due, moment) + pace.interval, self.paused_until), turn

    def paused(self, pace: Pace, until: float) -> Schedule:
        """
        Return the schedule after a pause was asked for.

        :param pace: As of :meth:`take`.
        :param until: When it ends.
        """
        return Schedule(max(self.due, until + pace.tolerance), max(self.paused_until, until))


class ProcessTurns:
    """
    Turns for the threads and event loops of this process.

    :param clock: Says how many seconds it is since some moment.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._schedule = Schedule()
        # By process: in one that was forked, a thread of the other one has not got it.
        self._locks: dict[int, threading.Lock] = {}

    async def take(self, pace: Pace, at_most: float) -> Turn:
        """Take the next turn; see :class:`Turns`."""
        with self._lock():
            self._schedule, turn = self._schedule.take(pace, self._clock(), at_most)
            return turn

    async def paused_for(self) -> float:
        """Return how long the pause still is."""
        return max(0.0, self._schedule.paused_until - self._clock())

    async def pause(self, pace: Pace, seconds: float) -> None:
        """Give no turns for a while."""
        with self._lock():
            self._schedule = self._schedule.paused(pace, self._clock() + seconds)

    def _lock(self) -> threading.Lock:
        return self._locks.setdefault(os.getpid(), threading.Lock())
