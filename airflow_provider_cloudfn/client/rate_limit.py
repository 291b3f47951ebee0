"""
How many requests are sent in how much time: a rate, and what makes senders wait for their turn.

Turns are given by the generic cell rate algorithm (see ``turns.py``), in this process, on this machine, or among machines.

Why not a library. ``aiolimiter`` is for the tasks of one event loop: it shares nothing with other threads and processes, and
of ``6000/min`` it lets all 6000 go at once. ``pyrate-limiter`` knows this algorithm, and shares it in Redis; among the processes
of a machine it writes a row for each request into SQLite. It keeps no turns for those who wait, who try again and again, so that
nobody knows beforehand whether there is time enough. And neither knows a pause: an answer that says "wait for 30 seconds" could
not hold up all who share the limit.
"""

from __future__ import annotations

import asyncio
import logging
import math
import re
import time
from abc import ABC, abstractmethod
from contextvars import ContextVar
from decimal import Decimal
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from msgspec import Struct

from airflow_provider_cloudfn.client.rate_headers import seconds_of_pause
from airflow_provider_cloudfn.client.turns import Pace, ProcessTurns, Turn
from airflow_provider_cloudfn.exceptions import ConfigurationError, RequestTimeoutError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from airflow_provider_cloudfn.client.turns import Turns

__all__ = ["LONGEST_PAUSE", "AllLimits", "PacedLimiter", "Rate", "RateLimiter", "TurnsAhead"]

log = logging.getLogger(__name__)

#: No answer holds the others up for longer than so many seconds: then one request finds out whether it still holds.
LONGEST_PAUSE: Final = 3600.0

_DAY: Final = 86_400.0
_MOST: Final = 1_000_000
#: A burst is what the rate allows in so many seconds.
_BURST: Final = 0.1
#: A wait for this long is told.
_WORTH_TELLING: Final = 1.0

_UNITS: Final = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1),
    **dict.fromkeys(("min", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hour", "hours"), 3600),
    **dict.fromkeys(("d", "day", "days"), 86_400),
}
_WRITTEN: Final = re.compile(r"\s*([0-9]{1,12})\s*/\s*([0-9]{1,12}(?:\.[0-9]{1,20})?)?\s*([a-z]+)\s*", re.IGNORECASE)
_EXAMPLE: Final = "write such as '50/s', '6000/min' or '10/2s' (s, min, h or d)"


class Rate(Struct, frozen=True):
    """
    So many requests in so many seconds.

    :param count: How many.
    :param seconds: In how many seconds.
    :raises ConfigurationError: for numbers that make no sense.
    """

    count: int
    seconds: float = 1.0

    def __post_init__(self) -> None:
        if type(self.count) is not int or not 1 <= self.count <= _MOST:
            raise ConfigurationError(
                f"a rate's count must be a whole number from 1 to {_MOST:,}, not {_shown(self.count)}; for less than one "
                "in a second, give it more time: '1/10s'"
            )
        if type(self.seconds) not in (int, float) or not 0.001 <= self.seconds <= _DAY:
            raise ConfigurationError(
                f"a rate's time must be from 0.001 seconds to a day, not {_shown(self.seconds)} seconds"
            )

    @classmethod
    def parse(cls, written: object) -> Rate:
        """
        Return the rate that somebody has written.

        :param written: Such as ``50/s``, ``6000/min``, ``10/2s``.
        :raises ConfigurationError: when it is none.
        """
        if not isinstance(written, str):
            raise ConfigurationError(f"{_shown(written)} is no rate; {_EXAMPLE}")
        found = _WRITTEN.fullmatch(written)
        unit = None if found is None else _UNITS.get(found[3].lower())
        if found is None or unit is None:
            raise ConfigurationError(f"{_shown(written)} is no rate; {_EXAMPLE}")
        return cls(int(found[1]), float(found[2] or 1) * unit)

    @property
    def interval(self) -> float:
        """Return how many seconds lie between two requests, were all of them at equal intervals."""
        return self.seconds / self.count

    @property
    def burst(self) -> int:
        """
        Return how many requests may come at once: what the rate allows in a tenth of a second, and at least one.

        So few, because a service that allows 50 in a second may count them from any moment on.
        """
        return max(1, min(self.count, int(self.count / self.seconds * _BURST)))

    def __str__(self) -> str:
        unit = {1.0: "s", 60.0: "min", 3600.0: "h", _DAY: "d"}.get(self.seconds)
        return f"{self.count}/{unit or format(Decimal(repr(self.seconds)), 'f').removesuffix('.0') + 's'}"


class RateLimiter(ABC):
    """What senders ask for their turn, and tell what the service says of its own limits."""

    @abstractmethod
    async def acquire(self, at_most: float = math.inf) -> None:
        """
        Wait until one request may be sent.

        :param at_most: For how many seconds there is time to wait; 0 for now or not at all. What would take longer is not
            waited for.
        :raises RequestTimeoutError: when it would take longer; nobody's turn is taken then.
        """

    @abstractmethod
    async def pause(self, seconds: float) -> None:
        """
        Send nothing for that long, because a service has asked for it.

        :param seconds: How long; at most :data:`LONGEST_PAUSE` of them are heeded.
        """

    async def observe(self, headers: Mapping[str, str]) -> None:
        """
        Pause where an answer says that nothing remains of the service's own limit, until that begins anew.

        :param headers: Names in lower case.
        """
        seconds = seconds_of_pause(headers)
        if seconds is not None:
            await self.pause(seconds)


class _Queue:
    """Who waits in one event loop, in their order: only the first of them has taken a turn that lies ahead."""

    def __init__(self) -> None:
        self.first = asyncio.Lock()
        self.length = 0


class PacedLimiter(RateLimiter):
    """
    A :class:`RateLimiter`: one rate, for all who share its turns.

    :param rate: The rate; None for as fast as the service likes, but still heeding the pauses that it asks for.
    :param turns: Where turns come from; by default they are this limiter's own, in this process.
    :param name: What an error calls it.
    :param clock: Says how many seconds it is since some moment.
    :param sleep: What waits.
    """

    def __init__(
        self,
        rate: Rate | None,
        turns: Turns | None = None,
        *,
        name: str = "the rate limit",
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._turns: Turns = ProcessTurns(clock) if turns is None else turns
        self._pace = Pace() if rate is None else Pace(rate.interval, (rate.burst - 1) * rate.interval)
        self._name = name if rate is None else f"{name} ({rate})"
        self._clock = clock
        self._sleep = sleep
        self._queues: WeakKeyDictionary[asyncio.AbstractEventLoop, _Queue] = WeakKeyDictionary()

    async def acquire(self, at_most: float = math.inf) -> None:
        """
        Wait until one request may be sent.

        :raises RequestTimeoutError: when it would take longer; nobody's turn is taken then.
        """
        if not self._pace.interval and await self._turns.paused_for() <= 0:
            return  # Nothing limits how many there are, and no answer has asked to wait.
        at_most = max(0.0, at_most)
        end = self._clock() + at_most
        queue = self._queue()
        at_least = queue.length * self._pace.interval - self._pace.tolerance
        if at_least > at_most:
            raise self._too_long(Turn(at_least), at_most)
        queue.length += 1
        try:
            try:
                async with asyncio.timeout(None if at_most == math.inf else at_most):
                    await queue.first.acquire()
            except TimeoutError:
                raise self._too_long(Turn(at_most), at_most) from None
            try:
                await self._take_turn(end)
            finally:
                queue.first.release()
        finally:
            queue.length -= 1

    async def pause(self, seconds: float) -> None:
        """
        Send nothing for that long, because a service has asked for it.

        :param seconds: How long; at most :data:`LONGEST_PAUSE` of them are heeded.
        """
        if seconds > 0:
            await self._turns.pause(self._pace, min(seconds, LONGEST_PAUSE))

    async def _take_turn(self, end: float) -> None:
        while True:
            left = max(0.0, end - self._clock())
            turn = await self._turns.take(self._pace, left)
            if turn.wait > left:
                raise self._too_long(turn, left)
            if turn.wait <= 0:
                return
            if turn.is_paused and turn.wait > _WORTH_TELLING:
                log.info(
                    "%s: the service asked to wait; the next request is sent in %.1f seconds", self._name, turn.wait
                )
            await self._sleep(turn.wait)
            if await self._turns.paused_for() <= 0:
                return

    def _too_long(self, turn: Turn, left: float) -> RequestTimeoutError:
        why = "the service asked to wait, and" if turn.is_paused else "it"
        return RequestTimeoutError(
            f"{self._name}: {why} lets no request be sent for {turn.wait:,.1f} more seconds, and {left:,.1f} seconds are left: "
            "nothing was sent; allow the call more time, or send fewer requests at once",
            retryable=True,
            retry_after=turn.wait,
            never_sent=True,
        )

    def _queue(self) -> _Queue:
        loop = asyncio.get_running_loop()
        queue = self._queues.get(loop)
        if queue is None:
            queue = self._queues[loop] = _Queue()
        return queue


class AllLimits(RateLimiter):
    """
    Several limits that all hold, such as that of a connection and that of a batch over it.

    :param limits: The limits; the one that is shared by the fewest first.
    """

    def __init__(self, *limits: RateLimiter) -> None:
        self._limits = limits

    async def acquire(self, at_most: float = math.inf) -> None:
        """
        Wait until one request may be sent.

        :raises RequestTimeoutError: when it would take longer.
        """
        end = time.monotonic() + at_most
        for limit in self._limits:
            await limit.acquire(end - time.monotonic())

    async def pause(self, seconds: float) -> None:
        """Send nothing for that long."""
        for limit in self._limits:
            await limit.pause(seconds)


#: Whether the call that is made in this context has its turn already.
_IS_TAKEN: ContextVar[bool] = ContextVar("cloudfn_turn_is_taken", default=False)


class TurnsAhead(AllLimits):
    """
    A limit whose turns are taken ahead of calls, by who begins them one after the other.

    In a call the wait would be of its own time, and many that wait for one another have too little of it for a slow rate.

    It is made of the limits that all hold.
    """

    async def take(self, at_most: float) -> None:
        """
        Wait until one call may begin.

        :param at_most: For how many seconds there is time to wait.
        :raises RequestTimeoutError: when it would take longer.
        """
        await super().acquire(at_most)

    def give(self) -> None:
        """Give the turn that was taken to the call that this task makes next."""
        _IS_TAKEN.set(True)

    async def acquire(self, at_most: float = math.inf) -> None:
        """
        Wait until one request may be sent, unless its turn was taken ahead.

        :raises RequestTimeoutError: as the limit does.
        """
        if _IS_TAKEN.get():
            _IS_TAKEN.set(False)
            return
        await super().acquire(at_most)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:40] + "…"
