"""How much may be under way at once, so that many senders, or slow ones, take no more of the API server than this."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final

from airflow_provider_cloudfn.webhooks.refused import RefusedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

__all__ = ["Admission", "Held"]

#: Requests that are being read or worked on. One costs a few kilobytes and its body.
_MOST_REQUESTS: Final = 500
#: Bytes of all bodies that are in memory.
_MOST_BYTES: Final = 64 * 1024 * 1024
#: Seconds after which a sender may come again.
_COME_AGAIN: Final = 1.0
#: A body that is not there after so many seconds makes room, where there is none left.
_SLOW: Final = 1.0


class Held:
    """What one request has in memory."""

    def __init__(self, admission: Admission) -> None:
        self.size = 0
        self._admission = admission

    @asynccontextmanager
    async def reading(self, seconds: float) -> AsyncIterator[None]:
        """
        Bound how long the body may take: less than that where room is needed for others.

        :param seconds: How long.
        :raises TimeoutError: when it took longer.
        """
        async with asyncio.timeout(seconds) as bound:
            self._admission._readers[bound] = asyncio.get_running_loop().time()
            try:
                yield
            finally:
                self._admission._readers.pop(bound, None)

    def take(self, size: int) -> None:
        """
        Make room for more bytes of the body.

        :param size: How many.
        :raises RefusedError: 503, when all requests together have too many.
        """
        self._admission._grow(size)
        self.size += size


class Admission:
    """
    Admits requests, of one process and in one event loop.

    :param requests: How many may be under way.
    :param size: How many bytes of bodies may be in memory.
    """

    def __init__(self, requests: int = _MOST_REQUESTS, size: int = _MOST_BYTES) -> None:
        self._most_requests, self._most_bytes = requests, size
        self._requests = self._bytes = 0
        #: What bounds the bodies that are being read, and since when, the longest first.
        self._readers: dict[asyncio.Timeout, float] = {}

    @contextmanager
    def request(self) -> Iterator[Held]:
        """
        Admit one request for the time of the block.

        :raises RefusedError: 503, when there are too many.
        """
        if self._requests >= self._most_requests and not self._slowest_ended():
            raise RefusedError(503, "busy", retry_after=_COME_AGAIN)
        held = Held(self)
        self._requests += 1
        try:
            yield held
        finally:
            self._requests -= 1
            self._bytes -= held.size

    def _grow(self, size: int) -> None:
        if self._bytes + size > self._most_bytes:
            self._slowest_ended()
            raise RefusedError(503, "busy", retry_after=_COME_AGAIN)
        self._bytes += size

    def _slowest_ended(self) -> bool:
        """End the request whose body has been read for longest, where that is long, and tell whether there was one."""
        bound, since = next(iter(self._readers.items()), (None, 0.0))
        now = asyncio.get_running_loop().time() if bound is not None else 0.0
        if bound is None or now - since < _SLOW:
            return False
        del self._readers[bound]
        bound.reschedule(now)
        return True
