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


@function("time.format", "timestamp", "string")
@function("time.format", "timestamp", "string", "string")
def format_time(value: dt.datetime, pattern: str, zone_name: str | None = None) -> str:
    """Return the timestamp in a time zone, default UTC, written as a pattern such as ``%Y-%m-%d`` says."""
    value = instant(value) if zone_name is None else instant(value).astimezone(zone(zone_name))
    _check(pattern)
    # Some C libraries leave the zeros of early years away.
    return value.strftime(re.sub(r"%(%|Y)", lambda match: f"{value.year:04}" if match[1] == "Y" else "%%", pattern))


@function("time.iso", "timestamp")
def iso(value: dt.datetime) -> str:
    """Return the timestamp as RFC 3339 in UTC."""
    return text_of(value)


@function("time.parse", "string", "string")
def parse(budget: Budget, text: str, pattern: str) -> dt.datetime:
    """Return the timestamp that a text in the given pattern names, in UTC where it has no zone."""
    _check(pattern)
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


def _check(pattern: str) -> None:
    found = _FORMAT.match(pattern)
    end = len(pattern) if found is None else found.end()
    if end == len(pattern):
        return
    directive = re.match(r"%-?.?|\x00", pattern[end:], re.DOTALL)
    if directive is None or _FORMAT.fullmatch(directive[0]):
        raise Fault("the format is longer than 200 characters and directives")
    remedy = "; seconds since 1970 are int(timestamp)" if directive[0] == "%s" else ""
    raise Fault(
        f"{directive[0]!r} is no directive that a format can have, as '%Y-%m-%d' has them of Python's strftime{remedy}"
    )
