"""One hook, and one set of open connections, for all that waits on a connection in an event loop, such as the triggerer's."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from airflow_provider_cloudfn.hooks.registry import ahook_for
from airflow_provider_cloudfn.triggers.poll import bounded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from airflow_provider_cloudfn.hooks.request import RequestHook

__all__ = ["SharedHook", "shared_hook"]

#: Seconds after which a connection is read again: who changes a password does not want to wait for the end of a job.
_READ_AGAIN: Final = 60.0

#: How many questions are asked at once over a connection: thousands of waits can be due in the same moment.
_AT_ONCE: Final = 64

_lines: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, SharedHook]] = WeakKeyDictionary()


class _Opened:
    """A hook whose session is open, and how many questions are under way over it."""

    def __init__(self, hook: RequestHook[Any], stack: AsyncExitStack, settings: Any) -> None:
        self.hook = hook
        self.settings = settings
        self._stack = stack
        self._asking = 0
        self._retired = False

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[RequestHook[Any]]:
        self._asking += 1
        try:
            yield self.hook
        finally:
            self._asking -= 1
            await self._close_if_unused()

    async def retire(self) -> None:
        self._retired = True
        await self._close_if_unused()

    async def _close_if_unused(self) -> None:
        if self._retired and not self._asking:
            await self._stack.aclose()


class SharedHook:
    """What all waits on one connection have in common."""

    def __init__(self, conn_id: str) -> None:
        self.waits = 0
        self._conn_id = conn_id
        self._opened: _Opened | None = None
        self._read_at = 0.0
        self._lock = asyncio.Lock()
        self._turns = asyncio.Semaphore(_AT_ONCE)

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[RequestHook[Any]]:
        """Return the hook for one question: the connection as it is, or was up to a minute ago."""
        async with self._turns, (await self._current()).asking() as hook:
            yield hook

    async def close(self) -> None:
        """Close the session, when the last question over it has its answer."""
        if self._opened is not None:
            opened, self._opened = self._opened, None
            await opened.retire()

    async def _current(self) -> _Opened:
        if (opened := self._fresh()) is not None:
            return opened
        async with self._lock:
            if (opened := self._fresh()) is not None:
                return opened
            hook = await ahook_for(self._conn_id)
            settings = await hook.asettings()
            if self._opened is None or self._opened.settings != settings:
                await self.close()
                stack = AsyncExitStack()
                client = bounded(await hook.aclient())
                session = await stack.enter_async_context(client.session())
                stack.enter_context(hook.sending_over(session))
                self._opened = _Opened(hook, stack, settings)
            self._read_at = time.monotonic()
            return self._opened

    def _fresh(self) -> _Opened | None:
        return self._opened if time.monotonic() - self._read_at < _READ_AGAIN else None


@asynccontextmanager
async def shared_hook(conn_id: str) -> AsyncIterator[SharedHook]:
    """Share a connection's hook for as long as the block lasts; the last one closes it."""
    lines = _lines.setdefault(asyncio.get_running_loop(), {})
    if (line := lines.get(conn_id)) is None:
        line = lines[conn_id] = SharedHook(conn_id)
    line.waits += 1
    try:
        yield line
    finally:
        line.waits -= 1
        if not line.waits:
            # Another one may begin while this one closes: it opens its own.
            del lines[conn_id]
            await line.close()
