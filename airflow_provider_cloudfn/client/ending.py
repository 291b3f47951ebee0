"""The end of whoever makes calls: nothing is sent any more, and nobody waits for a turn to send something."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable

__all__ = ["Ending"]


class Ending:
    """Tells calls in any event loop that whoever makes them is being ended, such as a task by Airflow."""

    def __init__(self) -> None:
        self.has_come = False
        self._waits: dict[asyncio.Timeout, asyncio.AbstractEventLoop] = {}

    def come(self) -> None:
        """Let all waits end, and let nothing more begin. A handler of a signal may call it, and any thread."""
        self.has_come = True
        for scope, loop in list(self._waits.items()):
            with suppress(RuntimeError):  # It was closed meanwhile.
                loop.call_soon_threadsafe(self._end, scope)

    async def wait(self, work: Awaitable[object]) -> None:
        """
        Wait for something, or for the end.

        :param work: What waits.
        :raises Exception: what it raises.
        """
        try:
            async with asyncio.timeout(0 if self.has_come else None) as scope:
                self._waits[scope] = asyncio.get_running_loop()
                await work
        except TimeoutError:
            if not scope.expired():
                raise
        finally:
            self._waits.pop(scope, None)

    def _end(self, scope: asyncio.Timeout) -> None:
        if scope in self._waits:
            scope.reschedule(0)
