"""What Airflow learns of each attempt of a call: a line in the log, metrics, and a span whose id the service is told."""

from __future__ import annotations

import logging
import sys
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol

import structlog
from msgspec import field

from airflow_provider_cloudfn.auth.redacted import Redacted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_cloudfn.auth.message import HttpRequest, HttpResponse
    from airflow_provider_cloudfn.client.attempt import Attempt
    from airflow_provider_cloudfn.client.settings import ClientSettings

__all__ = ["CallWatcher", "Observation"]

_LONGEST_URL = 300

log = structlog.stdlib.get_logger(logger_name="airflow_provider_cloudfn.call")

_SPAN_NAME = "cloudfn.attempt"
#: Of the attempt that is under way.
_SPAN: Final[ContextVar[Any]] = ContextVar("cloudfn_attempt", default=None)


class CallWatcher(Protocol):
    """Who else wants to know of a hook's calls, such as what makes a step's record."""

    def over(self, conn_id: str, conn_type: str, settings: ClientSettings) -> None:
        """Learn over which connection the calls go, before the first of them."""

    def exchanged(self, request: HttpRequest, answer: HttpResponse | None) -> None:
        """Take note of a request without credentials, and of its answer; it must not fail."""

    def ended(self, attempt: Attempt) -> None:
        """Take note of an attempt that has ended."""


class Observation(Redacted, frozen=True):
    """
    Observes the attempts of a client's calls.

    :param conn_id: The connection, which the metrics are tagged with.
    :param function: The cloud function's name, where a cloud function makes the calls.
    :param many: Whether there are so many calls that only those are told that did not succeed at once.
    :param watcher: Who else is told.
    """

    _hidden: ClassVar = frozenset({"_stats", "_takes_debugging"})

    conn_id: str
    function: str | None = None
    many: bool = False
    watcher: CallWatcher | None = None
    #: Whether the log takes lines for debugging, and where numbers are counted: asked once for all attempts.
    _takes_debugging: bool = field(default_factory=lambda: _takes_debugging())
    _stats: Any = field(default_factory=lambda: _stats())

    def begin(self, number: int) -> Mapping[str, str]:
        """
        Begin a span, and return what tells the service about it: nothing where Airflow's tracing is off.

        :param number: Which attempt it is, counted from 1.
        """
        # Whoever traces has loaded it by now, and nobody pays for it who doesn't.
        trace: Any = sys.modules.get("opentelemetry.trace")
        if trace is None:
            return {}
        # Airflow gives a task a span also where its tracing is off, one that nobody records.
        if isinstance(trace.get_tracer_provider(), (trace.ProxyTracerProvider, trace.NoOpTracerProvider)):
            return {}
        if not trace.get_current_span().get_span_context().is_valid:
            return {}
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        span = trace.get_tracer("airflow_provider_cloudfn").start_span(_SPAN_NAME, kind=trace.SpanKind.CLIENT)
        self._end(_SPAN.get())
        _SPAN.set(span)
        span.set_attribute("http.request.resend_count", number - 1)
        headers: dict[str, str] = {}
        TraceContextTextMapPropagator().inject(headers, context=trace.set_span_in_context(span))
        return headers

    def end(self, attempt: Attempt) -> None:
        """
        Write the line, count, and end the span.

        :param attempt: What came of the attempt.
        """
        self._log(attempt)
        self._count(attempt)
        span = _SPAN.get()
        if span is not None:
            _SPAN.set(None)
            self._describe(span, attempt)
            self._end(span)
        if self.watcher is not None:
            self.watcher.ended(attempt)

    def _log(self, attempt: Attempt) -> None:
        is_told = not self.many or attempt.next_in is not None or not 200 <= (attempt.status or 0) < 300
        # Outside of Airflow's processes it would print.
        if not (is_told or self._takes_debugging) or not structlog.is_configured():
            return
        told = {
            "function": self.function,
            "conn_id": self.conn_id,
            "method": attempt.method,
            "url": attempt.url if len(attempt.url) <= _LONGEST_URL else f"{attempt.url[:_LONGEST_URL]}…",
            "status": attempt.status,
            "error": attempt.error_type,
            "duration": round(attempt.duration, 4),
            "attempt": attempt.number,
            "sent": attempt.sent,
            "received": attempt.received,
            "request_id": attempt.request_id,
            "next_in": None if attempt.next_in is None else round(attempt.next_in, 2),
        }
        tell = log.info if is_told else log.debug
        tell(attempt.sentence(), **{name: value for name, value in told.items() if value is not None})

    def _count(self, attempt: Attempt) -> None:
        if (stats := self._stats) is None:
            return
        outcome = str(attempt.status) if attempt.status is not None else attempt.error_type
        tags = {"conn_id": self.conn_id, "method": attempt.method, "outcome": outcome}
        stats.timing("cloudfn.attempt.duration", attempt.duration * 1000, tags=tags)
        stats.incr("cloudfn.attempts", tags=tags)
        stats.incr("cloudfn.retries" if attempt.next_in is not None else "cloudfn.calls", tags=tags)
        counted = {
            "cloudfn.bytes_sent": attempt.sent,
            "cloudfn.bytes_received": attempt.received,
            "cloudfn.token_requests": attempt.token_requests,
        }
        for name, count in counted.items():
            if count:
                stats.incr(name, count, tags={"conn_id": self.conn_id})

    @staticmethod
    def _describe(span: Any, attempt: Attempt) -> None:
        from opentelemetry.trace import Status, StatusCode

        # Named by OpenTelemetry's semantic conventions for HTTP clients.
        described = {
            "http.request.method": attempt.method,
            "url.full": attempt.url,
            "http.response.status_code": attempt.status,
            "http.request.body.size": attempt.sent,
            "http.response.body.size": attempt.received,
            "error.type": attempt.error_type,
        }
        span.set_attributes({name: value for name, value in described.items() if value is not None})
        if attempt.error_type is not None or (attempt.status or 0) >= 400:
            span.set_status(Status(StatusCode.ERROR))

    @staticmethod
    def _end(span: Any) -> None:
        if span is not None:
            span.end()


def _takes_debugging() -> bool:
    if not structlog.is_configured():
        return False
    bound = log.bind()
    # Airflow's loggers of a task are asked as those of the standard library are, those of its commands as structlog's own.
    is_enabled = getattr(bound, "isEnabledFor", None) or getattr(bound, "is_enabled_for", None)
    return is_enabled is None or bool(is_enabled(logging.DEBUG))


def _stats() -> Any:
    """Return Airflow's metrics, None where they are off."""
    try:
        from airflow.sdk.observability import stats
    except ImportError:  # Airflow does not document it: an Airflow without it counts nothing of ours.
        return None
    # Airflow 3.2 has no functions for them in the module, but a class.
    found = stats if hasattr(stats, "incr") else stats.Stats
    return None if _goes_nowhere(found) else found


def _goes_nowhere(stats: Any) -> bool:
    """Return whether Airflow's metrics are off: to find that out for each number takes a fifth of a call's own time."""
    # Airflow does not document it: where it is called otherwise, it is asked for each number.
    backend = getattr(sys.modules.get(stats.incr.__module__), "_get_backend", None)
    return backend is not None and type(backend()).__name__ == "NoStatsLogger"
