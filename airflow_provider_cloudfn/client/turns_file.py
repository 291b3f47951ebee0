"""Turns that the processes of one user on one machine share, in a small file for each limit."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import math
import os
import stat
import struct
import time
from typing import TYPE_CHECKING, Final, TypeVar

from airflow_provider_cloudfn.auth.private_files import opened_to_lock, require_private_folder
from airflow_provider_cloudfn.client.turns import Schedule, Turn
from airflow_provider_cloudfn.client.turns_shared import TurnsUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_cloudfn.client.turns import Pace

__all__ = ["FileTurns"]

T = TypeVar("T")

#: When the next request is due, until when there is a pause, and when that was written.
_LAYOUT: Final = struct.Struct("<8s3d")
_MAGIC: Final = b"cf-rate1"
#: No schedule that is right lies further ahead than so many seconds.
_FURTHEST: Final = 3 * 86_400.0
#: A process has the lock for some microseconds. Who has it for so many seconds hangs, and is not waited for.
_PATIENCE: Final = 1.0
_FIRST_WAIT: Final = 0.0005
_LONGEST_WAIT: Final = 0.01


class FileTurns:
    """
    Turns for all who open the same file. Whatever is no schedule there counts as none.

    The file is read and written while it is locked. No call blocks: who finds it locked lets the event loop go on.

    :param folder: Where the file is; made for this user alone (0700).
    :param key: What names the limit.
    :param clock: The machine's clock: seconds since 1970.
    :raises TurnsUnavailableError: from each method, when the file can't be used.
    """

    def __init__(self, folder: Path, key: str, *, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._path = folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.rate"
        self._clock = clock

    async def take(self, pace: Pace, at_most: float) -> Turn:
        """Take the next turn."""
        return await self._changed(lambda schedule, now: schedule.take(pace, now, at_most))

    async def paused_for(self) -> float:
        """Return how long the pause still is."""
        return await self._changed(lambda schedule, now: (schedule, max(0.0, schedule.paused_until - now)))

    async def pause(self, pace: Pace, seconds: float) -> None:
        """Give no turns for a while."""
        await self._changed(lambda schedule, now: (schedule.paused(pace, now + seconds), None))

    async def _changed(self, change: Callable[[Schedule, float], tuple[Schedule, T]]) -> T:
        try:
            descriptor = await self._locked()
            try:
                now = self._clock()
                before, is_set_back = _read(descriptor, now)
                after, result = change(before, now)
                # By a clock that was set back it is written anew, or it would lie as far ahead at each look.
                if after != before or is_set_back:
                    os.pwrite(descriptor, _LAYOUT.pack(_MAGIC, after.due, after.paused_until, now), 0)
                    os.ftruncate(descriptor, _LAYOUT.size)
                return result
            finally:
                # Not by closing alone: a process that was forked meanwhile has the descriptor too.
                fcntl.flock(descriptor, fcntl.LOCK_UN)
                os.close(descriptor)
        except OSError as error:
            raise TurnsUnavailableError(error.strerror or type(error).__name__) from None

    async def _locked(self) -> int:
        """
        Return the descriptor of the file, locked.

        :raises OSError: when that can't be done.
        """
        end, wait = time.monotonic() + _PATIENCE, _FIRST_WAIT
        while True:
            require_private_folder(self._folder)
            descriptor = opened_to_lock(self._path)
            try:
                if _is_locked(descriptor):
                    return descriptor
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)
            if time.monotonic() > end:
                raise TimeoutError(0, "another process keeps the file locked")
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)


def _is_locked(descriptor: int) -> bool:
    """Lock a file, unless another one has it; return whether that was done, and the file is still the one of its name."""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise OSError(0, "something that is no file has its name")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    # Swept away since it was opened: others have a new one.
    return os.fstat(descriptor).st_nlink > 0


def _read(descriptor: int, now: float) -> tuple[Schedule, bool]:
    """Return the schedule, and whether the clock was set back since it was written."""
    content = os.pread(descriptor, _LAYOUT.size + 1, 0)
    if len(content) != _LAYOUT.size:
        return Schedule(), False
    magic, due, paused_until, written_at = _LAYOUT.unpack(content)
    if magic != _MAGIC or not all(map(math.isfinite, (due, paused_until, written_at))):
        return Schedule(), False
    # Where the machine's clock was set back, what was written is set back as much: nobody waits for the difference.
    set_back = max(0.0, written_at - now)
    schedule = Schedule(due - set_back, paused_until - set_back)
    is_right = max(schedule.due, schedule.paused_until) < now + _FURTHEST
    return schedule if is_right else Schedule(), set_back > 0
