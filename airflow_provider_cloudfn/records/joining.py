"""The record of a try that the triggerer has interrupted: what came before and after, as one."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from typing import TYPE_CHECKING

from msgspec.structs import asdict, replace

from airflow_provider_cloudfn.records.call_record import Bucket, ManyCalls, SlowCall, Totals
from airflow_provider_cloudfn.records.recorder import DURATIONS, SLOWEST

if TYPE_CHECKING:
    from airflow_provider_cloudfn.records.call_record import CallRecord

__all__ = ["joined"]


def joined(before: CallRecord, after: CallRecord) -> CallRecord:
    """
    Return one record of two parts of the same try.

    :param before: What was recorded before the deferral.
    :param after: What was recorded after it.
    """
    totals = {name: value + getattr(after.totals, name) for name, value in asdict(before.totals).items()}
    # Of a job, the call is what started it; of questions it is the last.
    first = before if after.exchange is None or (after.kind == "job" and before.exchange is not None) else after
    last = after.last or (after.exchange if first is before else None) or before.last
    return replace(
        after,
        function=after.function or before.function,
        conn_id=after.conn_id or before.conn_id,
        conn_type=after.conn_type or before.conn_type,
        started_at=before.started_at,
        seconds=before.seconds + after.seconds,
        totals=Totals(**totals),
        exchange=first.exchange,
        last=last if after.kind == "job" else after.last,
        attempts=first.attempts,
        attempts_left_out=first.attempts_left_out,
        many=_many(before, after),
        credentials=after.credentials or before.credentials,
        idempotency_key=after.idempotency_key or before.idempotency_key,
        # What a process after the deferral takes from the journal, the one before has sent.
        journal=before.journal if before.journal and after.journal in (None, "earlier") else after.journal,
    )


def _many(before: CallRecord, after: CallRecord) -> ManyCalls | None:
    if before.totals.calls + after.totals.calls < 2 and before.many is None and after.many is None:
        return None
    parts = [one for one in map(_durations, (before, after)) if one is not None]
    if not parts:
        return None
    durations: Counter[float] = Counter()
    for part in parts:
        for bucket in part.durations:
            durations[float("inf") if bucket.below is None else bucket.below] += bucket.count
    slowest = sorted((one for part in parts for one in part.slowest), key=lambda one: one.seconds, reverse=True)
    return replace(
        parts[-1],
        durations=tuple(
            Bucket(below=None if bound == float("inf") else bound, count=durations[bound])
            for bound in sorted(durations)
        ),
        slowest=tuple(slowest[:SLOWEST]),
    )


def _durations(part: CallRecord) -> ManyCalls | None:
    """Return what is told of a part's calls, of a single one, too: it is one of many in the whole."""
    if part.many is not None or part.kind == "call" or part.exchange is None or not part.attempts:
        return part.many
    first, last = part.attempts[0], part.attempts[-1]
    seconds = first.rate_limit + (last.started_at - first.started_at).total_seconds() + last.seconds
    bound = bisect_right(DURATIONS, seconds)
    sent, answered = part.exchange.sent, part.exchange.answered
    return ManyCalls(
        durations=(Bucket(below=DURATIONS[bound] if bound < len(DURATIONS) else None, count=1),),
        slowest=(
            SlowCall(
                seconds=round(seconds, 6),
                method=sent.method,
                url=sent.url,
                status=None if answered is None else answered.status,
                attempts=part.totals.attempts,
            ),
        ),
    )
