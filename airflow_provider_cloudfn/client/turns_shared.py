"""Turns that processes share, and what is done while they can't be shared."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final, TypeVar

from airflow_provider_cloudfn.client.turns import ProcessTurns

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from airflow_provider_cloudfn.client.turns import Pace, Turn, Turns

__all__ = ["SharedTurns", "TurnsUnavailableError"]

T = TypeVar("T")

log = logging.getLogger(__name__)

#: Seconds for which a store is left alone after it could not be reached.
_REST: Final = 10.0


class TurnsUnavailableError(Exception):
    """A store of turns can't be reached; it says why, without any secret."""


class SharedTurns:
    """
    Turns from a store that others share; from this process while it can't be reached, which is told once.

    :param shared: Turns from the store; they raise :class:`TurnsUnavailableError` when it can't be reached.
    :param name: What the log calls the limit.
    :param clock: Says how many seconds it is since some moment.
    """

    def __init__(self, shared: Turns, name: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._shared = shared
        self._own = ProcessTurns(clock)
        self._name = name
        self._clock = clock
        self._rests_until = -_REST
        self._is_told = False

    async def take(self, pace: Pace, at_most: float) -> Turn:
        """Take the next turn."""
        return await self._ask(lambda: self._shared.take(pace, at_most), instead=lambda: self._own.take(pace, at_most))

    async def paused_for(self) -> float:
        """Return how long the pause still is."""
        return await self._ask(self._shared.paused_for, instead=self._own.paused_for)

    async def pause(self, pace: Pace, seconds: float) -> None:
        """Give no turns for a while."""
        # In this process in any case: the store may be out of reach before the pause is over.
        await self._own.pause(pace, seconds)
        await self._ask(lambda: self._shared.pause(pace, seconds), instead=_nothing)

    async def _ask(self, question: Callable[[], Awaitable[T]], *, instead: Callable[[], Awaitable[T]]) -> T:
        if self._clock() < self._rests_until:
            return await instead()
        try:
            return await question()
        except TurnsUnavailableError as error:
            self._rests_until = self._clock() + _REST
            log.log(
                logging.DEBUG if self._is_told else logging.WARNING,
                "%s can't be shared (%s); each process keeps to it by itself",
                self._name,
                error,
            )
            self._is_told = True
            return await instead()


async def _nothing() -> None:
    """Do nothing: it is done."""
