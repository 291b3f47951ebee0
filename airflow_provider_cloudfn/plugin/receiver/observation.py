"""What Airflow learns of each request: one line in its log, and its metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import structlog

from airflow_provider_cloudfn.auth.redacted import Redacted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_cloudfn.deliveries.arrival import Arrival
    from airflow_provider_cloudfn.deliveries.outcome import DeliveryOutcome

__all__ = ["Observed", "observe"]

log = structlog.stdlib.get_logger(logger_name="airflow_provider_cloudfn.delivery")

#: The name of a source that is none: a stranger may try any number of them, and metrics keep each for ever.
_NO_SOURCE = "unknown"
_EVENTS_TOLD = 20


class Observed(Redacted, frozen=True, kw_only=True):
    """
    How a request ended.

    :param source: The event source; None where there is none of that name.
    :param status: The status of the answer.
    :param reason: Why it was refused.
    :param size: Bytes of its body, as far as it was read.
    :param seconds: How long it took, from the first byte of the body on.
    :param arrivals: Its events, where it has come so far.
    :param outcomes: What became of each.
    """

    _hidden: ClassVar = frozenset({"arrivals"})

    source: str | None
    status: int
    reason: str | None = None
    size: int = 0
    seconds: float = 0.0
    arrivals: Sequence[Arrival] = ()
    outcomes: Sequence[DeliveryOutcome] = ()


def observe(observed: Observed) -> None:
    """
    Write the line, and count.

    :param observed: How a request ended.
    """
    _log(observed)
    stats: Any = _stats()
    if stats is None:
        return
    tags = {"source": observed.source or _NO_SOURCE, "status": str(observed.status)}
    stats.timing("cloudfn.delivery.duration", observed.seconds * 1000, tags=tags)
    stats.incr("cloudfn.delivery.requests", tags=tags)
    for outcome in sorted(set(observed.outcomes)):
        count = observed.outcomes.count(outcome)
        stats.incr("cloudfn.deliveries", count, tags={"source": tags["source"], "outcome": outcome.value})


def _log(observed: Observed) -> None:
    if not structlog.is_configured():  # Outside of Airflow's processes it would print.
        return
    # Of what a stranger sends nothing is told: names and ids stand here only when the sender is known.
    ids = [arrival.record.id for arrival in observed.arrivals]
    told = {
        "source": observed.source,
        "status": observed.status,
        "reason": observed.reason,
        "outcomes": [outcome.value for outcome in observed.outcomes[:_EVENTS_TOLD]] or None,
        "types": sorted({arrival.record.type for arrival in observed.arrivals})[:_EVENTS_TOLD] or None,
        "events": ids[:_EVENTS_TOLD] or None,
        "count": len(ids) if len(ids) > 1 else None,
        "size": observed.size,
        "duration": round(observed.seconds, 4),
    }
    tell = log.info if observed.status < 400 else log.warning
    tell(_sentence(observed), **{name: value for name, value in told.items() if value is not None})


def _sentence(observed: Observed) -> str:
    """Return what a reader of the log wants to know first."""
    became = ", ".join(sorted({outcome.value for outcome in observed.outcomes})) or observed.reason or "answered"
    return f"Delivery from {observed.source or 'a source that is none'}: {became} → {observed.status}"


def _stats() -> Any:
    """Return the metrics of the API server; the task's own, which calls are counted by, go nowhere there."""
    try:
        from airflow.observability import stats
    except ImportError:  # Airflow does not document it: an Airflow without it counts nothing of ours.
        return None
    # Airflow 3.2 has no functions for them in the module, but a class.
    return stats if hasattr(stats, "incr") else stats.Stats
