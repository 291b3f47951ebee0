"""Where the time of an attempt goes: a stopwatch that what sends it turns from one part to the next."""

from __future__ import annotations

import time
from contextvars import ContextVar
from typing import Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import asdict

__all__ = ["STOPWATCH", "Stopwatch", "TimeSplit"]

_Part: TypeAlias = Literal["credentials", "name", "connect", "tls", "first_byte", "download"]


class TimeSplit(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    Where the time of an attempt went, in seconds, in the order in which it passes; of all requests to which redirects led.

    There is no bound on connections at once, so nothing is queued for one.

    :param credentials: Until there was an access token: asking for it, or waiting for another process that asks.
    :param name: Looking up the host's name.
    :param connect: Making a connection; 0 where one was kept open.
    :param tls: TLS' handshake.
    :param first_byte: From the connection until the answer's headers were there: sending, and the service at work.
    :param download: Until the answer's body was there.
    """

    credentials: float = 0.0
    name: float = 0.0
    connect: float = 0.0
    tls: float = 0.0
    first_byte: float = 0.0
    download: float = 0.0

    def rounded(self) -> TimeSplit:
        """Return the same times, to the microsecond."""
        return TimeSplit(**{part: round(seconds, 6) for part, seconds in asdict(self).items()})


class Stopwatch:
    """Takes the times of one attempt."""

    def __init__(self) -> None:
        #: Whether there is a handshake of TLS behind the connection that is made.
        self.has_tls = False
        self._spent: dict[_Part, float] = {}
        self._part: _Part | None = None
        self._since = 0.0
        self._is_stopped = False

    def turn_to(self, part: _Part | None) -> None:
        """
        Count what passes from now on as another part's.

        :param part: The part; None counts it as no part's.
        """
        if self._is_stopped:
            return  # A look-up goes on behind an attempt that has ended.
        now = time.monotonic()
        if self._part is not None:
            self._spent[self._part] = self._spent.get(self._part, 0.0) + now - self._since
        self._part, self._since = part, now

    def add(self, part: _Part, seconds: float) -> None:
        """
        Count what has passed as a part's.

        :param seconds: How long it took; in it nothing else was counted.
        """
        self._spent[part] = self._spent.get(part, 0.0) + seconds

    def stop(self) -> TimeSplit:
        """Return what was taken; nothing is taken after that."""
        self.turn_to(None)
        self._is_stopped = True
        return TimeSplit(**self._spent)


#: What takes the time of the request that is sent in this context.
STOPWATCH: ContextVar[Stopwatch | None] = ContextVar("cloudfn_stopwatch", default=None)
