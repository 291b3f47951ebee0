"""Watches a real call: what was sent and answered, without credentials, and how long each part of it took."""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import aiohttp

    from airflow_provider_cloudfn.auth.message import HttpRequest, HttpResponse

__all__ = ["Exchange", "Stopwatch", "Timing"]


@dataclass(frozen=True, slots=True)
class Exchange:
    """
    A request before credentials were put on it, and its answer; None where none came.

    :param request: The request.
    :param response: The answer.
    """

    request: HttpRequest
    response: HttpResponse | None = None


@dataclass(slots=True)
class Timing:
    """
    How long one request took, in milliseconds from its beginning.

    :param url: Where it went, without the query.
    :param connect: Until a connection was made; None where one was open, or none could be made.
    :param tls: How long the TLS handshake took; None without TLS.
    :param first_byte: Until the answer began; None where none came.
    :param total: Until the answer was there.
    """

    url: str
    connect: float | None = None
    tls: float | None = None
    first_byte: float | None = None
    total: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the timing as JSON shows it."""
        return {
            "url": self.url,
            "connect_ms": self.connect,
            "tls_ms": self.tls,
            "first_byte_ms": self.first_byte,
            "total_ms": self.total,
        }


@dataclass(slots=True)
class Stopwatch:
    """Takes the times of the requests of a client, those for a token included."""

    timings: list[Timing] = field(default_factory=list)
    _began: float = 0.0
    _handshake: float | None = None

    def tls_context(self, context: ssl.SSLContext | None) -> ssl.SSLContext:
        """
        Return the context with which the beginning of a handshake is noticed.

        :param context: How certificates are checked; None as the system does.
        """
        watched = ssl.create_default_context() if context is None else context
        wrap = watched.wrap_bio

        def wrap_bio(*arguments: Any, **named: Any) -> ssl.SSLObject:
            self._handshake = time.monotonic()
            return wrap(*arguments, **named)

        # asyncio asks for the TLS object when the TCP connection stands, and tells nobody.
        watched.wrap_bio = wrap_bio  # type: ignore[method-assign]  # this context is used for this call alone
        return watched

    def trace_config(self) -> aiohttp.TraceConfig:
        """Return what aiohttp tells its times to."""
        import aiohttp

        config = aiohttp.TraceConfig()
        config.on_request_start.append(self._start)
        config.on_connection_create_end.append(self._connected)
        config.on_request_end.append(self._answered)
        config.on_response_chunk_received.append(self._received)
        return config

    async def _start(self, _session: Any, _context: Any, parameters: Any) -> None:
        self._began, self._handshake = time.monotonic(), None
        url = parameters.url
        self.timings.append(Timing(f"{url.scheme}://{url.raw_authority.rpartition('@')[2]}{url.raw_path}"))

    async def _connected(self, *_: Any) -> None:
        now = time.monotonic()
        self.timings[-1].connect = self._since(self._handshake or now)
        if self._handshake is not None:
            self.timings[-1].tls = round((now - self._handshake) * 1000, 1)

    async def _answered(self, *_: Any) -> None:
        self.timings[-1].first_byte = self.timings[-1].total = self._since(time.monotonic())

    async def _received(self, *_: Any) -> None:
        self.timings[-1].total = self._since(time.monotonic())

    def _since(self, moment: float) -> float:
        return round((moment - self._began) * 1000, 1)
