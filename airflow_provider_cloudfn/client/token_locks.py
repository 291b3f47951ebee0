"""Waits for the right to fetch a token."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_cloudfn.auth.token_lock import TokenLock

__all__ = ["acquire_in_time"]

_LONGEST = 30.0
_FIRST_PAUSE = 0.002
_LONGEST_PAUSE = 0.05


async def acquire_in_time(lock: TokenLock, at_most: float) -> None:
    """
    Wait until a lock is taken, but not for ever: who holds it may hang, and two token requests are better than none.

    Others may be in other threads and processes, so it is asked for again and again, at growing intervals.

    :param lock: The right to fetch a token.
    :param at_most: For how many seconds there is time to wait.
    """
    end = time.monotonic() + min(at_most, _LONGEST)
    pause = _FIRST_PAUSE
    while not lock.try_acquire() and time.monotonic() < end:
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)
