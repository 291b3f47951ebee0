"""Timestamps and durations: their conversions, arithmetic and parts, as the specification defines them."""

from __future__ import annotations

import datetime as dt
import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn.cel.faults import Fault
from airflow_provider_cloudfn.cel.instants import (
    duration_nanoseconds,
    duration_of,
    instant,
    timestamp_nanoseconds,
    timestamp_of,
)
from airflow_provider_cloudfn.cel.registry import function, method

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_cloudfn.cel.limits import Budget

__all__ = ["zone"]

_SECOND: Final = 1_000_000_000
_FIRST, _LAST = -62_135_596_800 * _SECOND, 253_402_300_800 * _SECOND - 1
#: The specification's bounds: 10,000 years for a duration, 64 bits of nanoseconds between two timestamps.
_LONGEST: Final = 315_576_000_000 * _SECOND
_LONGEST_DIFFERENCE: Final = 2**63

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
    "s": _SECOND,
    "m": 60 * _SECOND,
    "h": 3_600 * _SECOND,
}


# Conversions


_OUT_OF_RANGE: Final = "a timestamp lies between the years 1 and 9999"


def _timestamp(nanoseconds: int) -> dt.datetime:
    if not _FIRST <= nanoseconds <= _LAST:
        raise Fault(_OUT_OF_RANGE)
    return timestamp_of(nanoseconds)


def _duration(nanoseconds: int) -> dt.timedelta:
    if abs(nanoseconds) > _LONGEST:
        raise Fault("a duration is 10,000 years at most")
    return duration_of(nanoseconds)


@function("timestamp", "timestamp")
def timestamp_of_timestamp(value: dt.datetime) -> dt.datetime:
    return timestamp_of(timestamp_nanoseconds(value))


@function("timestamp", "int")
def timestamp_of_seconds(seconds: int) -> dt.datetime:
    """Return the timestamp so many seconds after 1970."""
    return _timestamp(seconds * _SECOND)


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
        whole = dt.datetime(year, month, day, hour, minute, second, tzinfo=dt.UTC) - offset
    except (ValueError, OverflowError):
        raise Fault("timestamp() got a date or time that is out of range") from None
    return timestamp_of(timestamp_nanoseconds(whole) + int(((fraction or "") + "000000000")[:9]))


@function("duration", "duration")
def duration_of_duration(value: dt.timedelta) -> dt.timedelta:
    return _duration(duration_nanoseconds(value))


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
    return _duration(-total if text[0] == "-" else total)


# Arithmetic


def _moved(value: dt.datetime, by: dt.timedelta, direction: int = 1) -> dt.datetime:
    if type(value) is dt.datetime and type(by) is dt.timedelta:  # nearly always; four times as fast
        try:
            return instant(value) + (by if direction > 0 else -by)
        except OverflowError:
            raise Fault(_OUT_OF_RANGE) from None
    return _timestamp(timestamp_nanoseconds(value) + direction * duration_nanoseconds(by))


@function("_+_", "timestamp", "duration", shown="'+'")
def add_duration(_budget: Any, value: dt.datetime, by: dt.timedelta) -> dt.datetime:
    return _moved(value, by)


@function("_+_", "duration", "timestamp", shown="'+'")
def add_timestamp(_budget: Any, by: dt.timedelta, value: dt.datetime) -> dt.datetime:
    return _moved(value, by)


@function("_+_", "duration", "duration", shown="'+'")
def add_durations(_budget: Any, left: dt.timedelta, right: dt.timedelta) -> dt.timedelta:
    return _duration(duration_nanoseconds(left) + duration_nanoseconds(right))


@function("_-_", "timestamp", "duration", shown="'-'")
def subtract_duration(value: dt.datetime, by: dt.timedelta) -> dt.datetime:
    return _moved(value, by, -1)


@function("_-_", "timestamp", "timestamp", shown="'-'")
def subtract_timestamps(left: dt.datetime, right: dt.datetime) -> dt.timedelta:
    difference = timestamp_nanoseconds(left) - timestamp_nanoseconds(right)
    if abs(difference) > _LONGEST_DIFFERENCE:
        raise Fault("the timestamps are more than 292 years apart")
    return duration_of(difference)


@function("_-_", "duration", "duration", shown="'-'")
def subtract_durations(left: dt.timedelta, right: dt.timedelta) -> dt.timedelta:
    return _duration(duration_nanoseconds(left) - duration_nanoseconds(right))


@function("-_", "duration", shown="'-'")
def negate_duration(_budget: Budget, value: dt.timedelta) -> dt.timedelta:
    return duration_of(-duration_nanoseconds(value))


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
    @method(name, "timestamp")
    @method(name, "timestamp", "string")
    def read(value: dt.datetime, zone_name: str | None = None) -> int:
        return part(instant(value) if zone_name is None else instant(value).astimezone(zone(zone_name)))


for _name, _part in _PARTS.items():
    _declare(_name, _part)


def _whole(value: dt.timedelta, unit: int) -> int:
    """Return how many whole units a duration has, towards zero."""
    nanoseconds = duration_nanoseconds(value)
    count = abs(nanoseconds) // unit
    return -count if nanoseconds < 0 else count


for _name, _unit in (("getHours", "h"), ("getMinutes", "m"), ("getSeconds", "s")):
    method(_name, "duration")(lambda value, unit=_NANOSECONDS[_unit]: _whole(value, unit))


@method("getMilliseconds", "duration")
def milliseconds(value: dt.timedelta) -> int:
    """Return the milliseconds beyond the whole seconds."""
    count = _whole(value, 1_000_000)
    return count % 1_000 if count >= 0 else -(-count % 1_000)
