"""Points in time and spans of it, as JSON has them: as text."""

from __future__ import annotations

import datetime as dt

__all__ = ["duration_text", "timestamp_text"]


def timestamp_text(value: dt.datetime) -> str:
    """
    Write a datetime as RFC 3339, in UTC as ``Z``, with as many sub-second digits as it has.

    :param value: An aware datetime; one without time zone is taken as UTC, as Airflow does.
    """
    if value.tzinfo is None:
        value = value.replace(tzinfo=dt.UTC)
    utc = value.astimezone(dt.UTC).replace(tzinfo=None)
    text = utc.isoformat()
    return (text.rstrip("0") if "." in text else text) + "Z"


def duration_text(value: dt.timedelta) -> str:
    """
    Write a timedelta in seconds, as JSON of protocol buffers does: ``"3600s"``, ``"-1.5s"``.

    :param value: Any timedelta.
    """
    microseconds = (value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds
    sign = "-" if microseconds < 0 else ""
    seconds, fraction = divmod(abs(microseconds), 1_000_000)
    return f"{sign}{seconds}.{fraction:06d}".rstrip("0") + "s" if fraction else f"{sign}{seconds}s"
