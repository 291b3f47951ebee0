"""
Timestamps and durations to the nanosecond, as the specification has them.

Python's ``datetime`` and ``timedelta`` stop at the microsecond. A value that needs more is one of the two subclasses here,
which know the rest; they are rare, and everything else stays as it is. As Python values they compare without the rest.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final, SupportsIndex

__all__ = [
    "PreciseDuration",
    "PreciseTimestamp",
    "duration_nanoseconds",
    "duration_of",
    "instant",
    "timestamp_nanoseconds",
    "timestamp_of",
]

EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MICROSECOND: Final = dt.timedelta(microseconds=1)


class PreciseTimestamp(dt.datetime):
    """A datetime with nanoseconds: ``nanosecond``, from 0 to 999, comes on top of ``microsecond``."""

    nanosecond: int = 0

    def __reduce_ex__(self, _protocol: SupportsIndex) -> tuple[Any, ...]:
        return timestamp_of, (timestamp_nanoseconds(self),)


class PreciseDuration(dt.timedelta):
    """A timedelta with nanoseconds: ``nanosecond``, from 0 to 999, comes on top of ``microseconds``."""

    nanosecond: int = 0

    def __reduce_ex__(self, _protocol: SupportsIndex) -> tuple[Any, ...]:
        return duration_of, (duration_nanoseconds(self),)


def instant(value: dt.datetime) -> dt.datetime:
    """
    Return the timestamp in UTC, as which two of any time zones can be compared, as a plain datetime.

    :param value: Any datetime; one without time zone is taken as UTC.
    """
    if type(value) is not dt.datetime:  # pendulum's have an arithmetic of their own
        value = dt.datetime.combine(value.date(), value.timetz())
    if value.tzinfo is dt.UTC:
        return value
    return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


def timestamp_nanoseconds(value: dt.datetime) -> int:
    """Return the nanoseconds since 1970."""
    rest = value.nanosecond if isinstance(value, PreciseTimestamp) else 0
    return (instant(value) - EPOCH) // MICROSECOND * 1_000 + rest


def timestamp_of(nanoseconds: int) -> dt.datetime:
    """
    Return the timestamp so many nanoseconds after 1970.

    :raises OverflowError: when it is not within the years 1 to 9999.
    """
    microseconds, rest = divmod(nanoseconds, 1_000)
    value = EPOCH + dt.timedelta(microseconds=microseconds)
    if not rest:
        return value
    precise = PreciseTimestamp.combine(value.date(), value.timetz())
    precise.nanosecond = rest
    return precise


def duration_nanoseconds(value: dt.timedelta) -> int:
    """Return the nanoseconds of a duration."""
    rest = value.nanosecond if isinstance(value, PreciseDuration) else 0
    # Not value // …: pendulum's durations have an arithmetic of their own.
    return dt.timedelta.__floordiv__(value, MICROSECOND) * 1_000 + rest


def duration_of(nanoseconds: int) -> dt.timedelta:
    """Return the duration of so many nanoseconds."""
    microseconds, rest = divmod(nanoseconds, 1_000)
    if not rest:
        return dt.timedelta(microseconds=microseconds)
    precise = PreciseDuration(microseconds=microseconds)
    precise.nanosecond = rest
    return precise
