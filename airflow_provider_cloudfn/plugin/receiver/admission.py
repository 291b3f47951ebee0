"""How much may be under way at once, so that many senders, or slow ones, take no more of the API server than this."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from airflow_provider_cloudfn.webhooks.refused import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Admission", "Held"]

#: Requests that are being read or worked on. One costs a few kilobytes and its body.
_MOST_REQUESTS: Final = 500
#: Bytes of all bodies that are in memory.
_MOST_BYTES: Final = 64 * 1024 * 1024
#: Seconds after which a sender may come again.
_COME_AGAIN: Final = 1.0


class Held:
    """What one request has in memory."""

    def __init__(self, admission: Admission) -> None:
        self.size = 0
        self._admission = admission

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

    @contextmanager
    def request(self) -> Iterator[Held]:
        """
        Admit one request for the time of the block.

        :raises RefusedError: 503, when there are too many.
        """
        if self._requests >= self._most_requests:
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
            raise RefusedError(503, "busy", retry_after=_COME_AGAIN)
        self._bytes += size
