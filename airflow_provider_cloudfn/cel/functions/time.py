"""Ours: ``time.format``, ``time.iso`` and ``time.parse``, for services that want other forms than RFC 3339."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Final

from airflow_provider_cloudfn.cel.faults import Fault
from airflow_provider_cloudfn.cel.functions.conversions import text_of
from airflow_provider_cloudfn.cel.functions.timestamps import zone
from airflow_provider_cloudfn.cel.instants import instant
from airflow_provider_cloudfn.cel.registry import function

if TYPE_CHECKING:
    from airflow_provider_cloudfn.cel.limits import Budget

__all__: list[str] = []

# Without field widths, which the C library would take: %999999999Y builds a string of a gigabyte.
_FORMAT: Final = re.compile(r"(?:[^%\x00]|%-?[aAbBcdfGHIjmMpSuUVwWxXyYzZDFRT%]){0,200}")
_recent: Final[set[str]] = set()
_FORMAT_FAULT: Final = "the format has a directive that is none of Python's strftime, or is longer than 200 characters"


@function("time.format", "timestamp", "string")
@function("time.format", "timestamp", "string", "string")
def format_time(value: dt.datetime, pattern: str, zone_name: str | None = None) -> str:
    """Return the timestamp in a time zone, default UTC, written as a pattern such as ``%Y-%m-%d`` says."""
    value = instant(value) if zone_name is None else instant(value).astimezone(zone(zone_name))
    if _FORMAT.fullmatch(pattern) is None:
        raise Fault(_FORMAT_FAULT)
    # Some C libraries leave the zeros of early years away.
    return value.strftime(re.sub(r"%(%|Y)", lambda match: f"{value.year:04}" if match[1] == "Y" else "%%", pattern))


@function("time.iso", "timestamp")
def iso(value: dt.datetime) -> str:
    """Return the timestamp as RFC 3339 in UTC."""
    return text_of(value)


@function("time.parse", "string", "string")
def parse(budget: Budget, text: str, pattern: str) -> dt.datetime:
    """Return the timestamp that a text in the given pattern names, in UTC where it has no zone."""
    if _FORMAT.fullmatch(pattern) is None:
        raise Fault(_FORMAT_FAULT)
    if pattern not in _recent:
        budget.spend(500)  # Python makes a regular expression of a pattern, and keeps five
        if len(_recent) >= 5:
            _recent.clear()
        _recent.add(pattern)
    try:
        if len(text) <= 200:
            return instant(dt.datetime.strptime(text, pattern))  # noqa: DTZ007  # instant() takes it as UTC
    except (ValueError, re.error, OverflowError):
        pass
    raise Fault("the text is no time in the form that time.parse() was given")
