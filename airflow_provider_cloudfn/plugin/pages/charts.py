"""Where the parts of the pictures go: bars over time, the waterfall of an attempt. The templates draw them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_cloudfn.plugin.pages.recent_calls import Call
    from airflow_provider_cloudfn.records.call_record import AttemptRecord, Bucket

__all__ = ["Bar", "Phase", "Row", "bars_of_buckets", "bars_over_time", "waterfall"]

#: The parts of an attempt's time in the order in which they pass, and what they are called.
_PHASES: Final = (
    ("credentials", "access token"),
    ("name", "host name"),
    ("connect", "connection"),
    ("tls", "TLS"),
    ("first_byte", "first byte"),
    ("download", "body"),
)
#: Seconds below which a part is not worth telling.
_SHORTEST: Final = 0.0001


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """
    A bar.

    :param x: Its left edge.
    :param y: Its upper edge.
    :param width: How wide it is.
    :param height: How high it is.
    :param kind: What it stands for: an outcome, or ``count``.
    :param label: What it says.
    """

    x: float
    y: float
    width: float
    height: float
    kind: str
    label: str


class Phase(msgspec.Struct, frozen=True, kw_only=True):
    """
    A part of a row's time.

    :param x: Where it begins, in hundredths of the whole.
    :param width: How long it is, in hundredths of the whole.
    :param kind: What passes.
    :param name: What that is called.
    :param seconds: How long it took.
    """

    x: float
    width: float
    kind: str
    name: str
    seconds: float


class Row(msgspec.Struct, frozen=True):
    """
    An attempt, and the wait before it.

    :param attempt: The attempt.
    :param phases: Where its time went.
    """

    attempt: AttemptRecord
    phases: tuple[Phase, ...]


def bars_over_time(calls: Sequence[Call], *, width: float, height: float, least: int = 24) -> list[Bar]:
    """
    Return a bar for each call, the oldest first, as high as it took long: the highest is the longest.

    :param calls: The calls, newest first.
    :param width: Of the picture.
    :param height: Of the picture.
    :param least: For how many there is room at least.
    """
    if not calls:
        return []
    longest = max(call.seconds for call in calls) or 1.0
    step = width / max(len(calls), least)
    gap = 1.0 if step > 3 else 0.0
    return [
        Bar(
            x=round(width - (number + 1) * step, 2),
            # The square root: one slow call must not hide all others.
            y=round(height - (tall := max(2.0, height * math.sqrt(call.seconds / longest))), 2),
            width=round(step - gap, 2),
            height=round(tall, 2),
            kind=call.outcome,
            label=call.outcome,
        )
        for number, call in enumerate(calls)
    ]


def bars_of_buckets(buckets: Sequence[Bucket], *, width: float, height: float) -> list[Bar]:
    """
    Return a bar for each bucket of a histogram.

    :param buckets: The buckets.
    :param width: Of the picture.
    :param height: Of the picture.
    """
    if not buckets:
        return []
    most = max(bucket.count for bucket in buckets) or 1
    step = min(width / len(buckets), 72.0)
    return [
        Bar(
            x=round(number * step, 2),
            y=round(height - height * bucket.count / most, 2),
            width=round(step - 4, 2),
            height=round(max(1.0, height * bucket.count / most), 2),
            kind="count",
            label=_short(bucket.count),
        )
        for number, bucket in enumerate(buckets)
    ]


def _short(count: int) -> str:
    """Write a count in at most five signs, so that it fits above its bar."""
    for least, size, unit in ((1_000_000, 1_000_000, "M"), (10_000, 1_000, "k")):
        if count >= least:
            value = count / size
            return f"{value:.0f}{unit}" if value >= 100 else f"{value:.1f}".removesuffix(".0") + unit
    return f"{count:,}"


def waterfall(attempts: Sequence[AttemptRecord]) -> list[Row]:
    """
    Return where the time of a call's attempts went, each after the one before it, with the waits between them.

    :param attempts: The attempts in their order.
    """
    whole = sum(one.rate_limit + one.seconds + (one.next_in or 0.0) for one in attempts) or 1.0
    rows, at = [], 0.0
    for attempt in attempts:
        phases: list[Phase] = []

        def add(kind: str, name: str, seconds: float, phases: list[Phase] = phases) -> None:
            nonlocal at
            if seconds >= _SHORTEST:
                x, width = 100 * at / whole, 100 * seconds / whole
                phases.append(Phase(x=round(x, 3), width=round(width, 3), kind=kind, name=name, seconds=seconds))
                at += seconds

        add("rate_limit", "rate limit", attempt.rate_limit)
        told = 0.0
        for kind, name in _PHASES:
            seconds = min(getattr(attempt.split, kind), max(0.0, attempt.seconds - told))
            add(kind, name, seconds)
            told += seconds
        add("other", "other", attempt.seconds - told)
        add("wait", "wait before the next attempt", attempt.next_in or 0.0)
        rows.append(Row(attempt, tuple(phases)))
    return rows
