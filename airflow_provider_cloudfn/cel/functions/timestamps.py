"""Timestamps and durations: their conversions, arithmetic and parts, as the specification defines them."""

from __future__ import annotations

import datetime as dt
import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn.cel.equality import instant
from airflow_provider_cloudfn.cel.faults import Fault
from airflow_provider_cloudfn.cel.registry import function, method

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["span", "zone"]

_MICROSECOND: Final = dt.timedelta(microseconds=1)
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_FIRST, _LAST = -62_135_596_800, 253_402_300_799
#: The specification's bounds: 10,000 years for a duration, 64 bits of nanoseconds between two timestamps.
_LONGEST: Final = dt.timedelta(seconds=315_576_000_000)
_LONGEST_DIFFERENCE: Final = dt.timedelta(microseconds=2**63 // 1_000)

_TIMESTAMP: Final = (
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?"
    r"(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))"
)
_DURATION_PART: Final = r"([0-9]{0,20})(?:\.([0-9]{0,20}))?(ns|us|µs|μs|ms|s|m|h)"
_NANOSECONDS: Final = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}


# Conversions


@function("timestamp", "timestamp")
def timestamp_of_timestamp(value: dt.datetime) -> dt.datetime:
    return instant(value)


@function("timestamp", "int")
def timestamp_of_seconds(seconds: int) -> dt.datetime:
    """Return the timestamp so many seconds after 1970."""
    if not _FIRST <= seconds <= _LAST:
        raise Fault("a timestamp lies between the years 1 and 9999")
    return _EPOCH + dt.timedelta(seconds=seconds)


@function("timestamp", "string")
def timestamp_of_text(text: str) -> dt.datetime:
    match = re.fullmatch(_TIMESTAMP, text)
    if match is None:
        raise Fault("timestamp() needs RFC 3339, such as 2024-01-31T12:00:00Z; use time.parse(…) for other forms")
    *clock, fraction, sign, hours, minutes = match.groups()
    offset = dt.timedelta(0)
    if sign is not None:
        if int(hours) > 23 or int(minutes) > 59:
            raise Fault("timestamp() got an offset from UTC that is out of range")
        offset = dt.timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if sign == "-" else 1)
    try:
        year, month, day, hour, minute, second = map(int, clock)
        microsecond = int(((fraction or "") + "000000")[:6])
        local = dt.datetime(year, month, day, hour, minute, second, microsecond, dt.UTC)
        return local - offset
    except (ValueError, OverflowError):
        raise Fault("timestamp() got a date or time that is out of range") from None


@function("duration", "duration")
def duration_of_duration(value: dt.timedelta) -> dt.timedelta:
    return span(value)


@function("duration", "string")
def duration_of_text(text: str) -> dt.timedelta:
    """Return the duration that a text such as ``1h30m`` or ``-1.5s`` names."""
    body = text[1:] if text[:1] in ("+", "-") else text
    if body == "0":
        return dt.timedelta(0)
    part_at = re.compile(_DURATION_PART).match
    total, end = 0, 0
    while end < len(body) <= 100:
        part = part_at(body, end)
        if part is None or not (part[1] or part[2]):
            break
        unit, fraction = _NANOSECONDS[part[3]], part[2] or ""
        total += int(part[1] or 0) * unit + int(fraction or 0) * unit // 10 ** len(fraction)
        end = part.end()
    if not body or end < len(body):
        raise Fault("duration() needs numbers with the units h, m, s, ms, us or ns, such as 1h30m")
    if total > 315_576_000_000 * 10**9:
        raise Fault("a duration is 10,000 years at most")
    microseconds = dt.timedelta(microseconds=total // 1_000)
    return -microseconds if text[0] == "-" else microseconds


# Arithmetic


def span(value: dt.timedelta) -> dt.timedelta:
    """Return the duration as a plain timedelta; pendulum's have an arithmetic of their own."""
    if type(value) is dt.timedelta:
        return value
    return dt.timedelta(microseconds=dt.timedelta.__floordiv__(value, _MICROSECOND))


def _checked(value: dt.timedelta) -> dt.timedelta:
    if abs(value) > _LONGEST:
        raise Fault("a duration is 10,000 years at most")
    return value


def _moved(value: dt.datetime, by: dt.timedelta) -> dt.datetime:
    try:
        return instant(value) + by
    except OverflowError:
        raise Fault("a timestamp lies between the years 1 and 9999") from None


@function("_+_", "timestamp", "duration", shown="'+'")
def add_duration(_budget: Any, value: dt.datetime, by: dt.timedelta) -> dt.datetime:
    return _moved(value, span(by))


@function("_+_", "duration", "timestamp", shown="'+'")
def add_timestamp(_budget: Any, by: dt.timedelta, value: dt.datetime) -> dt.datetime:
    return _moved(value, span(by))


@function("_+_", "duration", "duration", shown="'+'")
def add_durations(_budget: Any, left: dt.timedelta, right: dt.timedelta) -> dt.timedelta:
    return _checked(span(left) + span(right))


@function("_-_", "timestamp", "duration", shown="'-'")
def subtract_duration(value: dt.datetime, by: dt.timedelta) -> dt.datetime:
    return _moved(value, -span(by))


@function("_-_", "timestamp", "timestamp", shown="'-'")
def subtract_timestamps(left: dt.datetime, right: dt.datetime) -> dt.timedelta:
    difference = instant(left) - instant(right)
    if abs(difference) > _LONGEST_DIFFERENCE:
        raise Fault("the timestamps are more than 292 years apart")
    return difference


@function("_-_", "duration", "duration", shown="'-'")
def subtract_durations(left: dt.timedelta, right: dt.timedelta) -> dt.timedelta:
    return _checked(span(left) - span(right))


@function("-_", "duration", shown="'-'")
def negate_duration(value: dt.timedelta) -> dt.timedelta:
    return -span(value)


# Parts


_ZONE_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_+/-]{0,60}")


@cache
def _zone_names() -> frozenset[str]:
    from zoneinfo import available_timezones

    return frozenset(available_timezones())


def zone(name: str) -> dt.tzinfo:
    """
    Return a time zone.

    :param name: Of the IANA database, such as ``Europe/Berlin``, or an offset such as ``+02:00``.
    :raises Fault: when there is none of that name.
    """
    match = re.fullmatch(r"([+-]?)([0-9]{2}):([0-9]{2})", name)
    if match is not None and int(match[2]) < 24 and int(match[3]) < 60:
        offset = dt.timedelta(hours=int(match[2]), minutes=int(match[3]))
        return dt.timezone(-offset if match[1] == "-" else offset)
    from zoneinfo import ZoneInfo

    if _ZONE_NAME.fullmatch(name) and (not _zone_names.cache_info().currsize or name in _zone_names()):
        try:
            return ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            _zone_names()  # once: asking for a zone that does not exist searches the disk each time
    raise Fault("there is no time zone of that name; write one such as 'Europe/Berlin', or an offset such as '+02:00'")


_PARTS: Final[dict[str, Callable[[dt.datetime], int]]] = {
    "getFullYear": lambda time: time.year,
    "getMonth": lambda time: time.month - 1,
    "getDate": lambda time: time.day,
    "getDayOfMonth": lambda time: time.day - 1,
    "getDayOfWeek": lambda time: time.isoweekday() % 7,
    "getDayOfYear": lambda time: time.timetuple().tm_yday - 1,
    "getHours": lambda time: time.hour,
    "getMinutes": lambda time: time.minute,
    "getSeconds": lambda time: time.second,
    "getMilliseconds": lambda time: time.microsecond // 1_000,
}


def _declare(name: str, part: Callable[[dt.datetime], int]) -> None:
    def in_utc(value: dt.datetime) -> int:
        return part(instant(value))

    def in_zone(value: dt.datetime, name: str) -> int:
        return part(instant(value).astimezone(zone(name)))

    method(name, "timestamp")(in_utc)
    method(name, "timestamp", "string")(in_zone)


for _name, _part in _PARTS.items():
    _declare(_name, _part)


def _whole(value: dt.timedelta, unit: int) -> int:
    """Return how many whole units a duration has, towards zero."""
    microseconds = span(value) // _MICROSECOND
    count = abs(microseconds) // unit
    return -count if microseconds < 0 else count


@method("getHours", "duration")
def hours(value: dt.timedelta) -> int:
    return _whole(value, 3_600_000_000)


@method("getMinutes", "duration")
def minutes(value: dt.timedelta) -> int:
    return _whole(value, 60_000_000)


@method("getSeconds", "duration")
def seconds(value: dt.timedelta) -> int:
    return _whole(value, 1_000_000)


@method("getMilliseconds", "duration")
def milliseconds(value: dt.timedelta) -> int:
    """Return the milliseconds beyond the whole seconds."""
    count = _whole(value, 1_000)
    return count % 1_000 if count >= 0 else -(-count % 1_000)
