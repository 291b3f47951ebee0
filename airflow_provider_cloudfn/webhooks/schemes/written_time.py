"""When a request was sent, in the forms that services write it in."""

from __future__ import annotations

import datetime as dt
import re
from email.utils import parsedate_to_datetime
from typing import Final

__all__ = ["WRITTEN_TIME", "is_milliseconds", "read_time"]

#: Seconds, or with 13 digits milliseconds. No zeros, signs, white space or other scripts' digits: nothing is written in two ways.
_DIGITS: Final = r"0|[1-9][0-9]{0,12}"
_RFC_3339: Final = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2}|[+-][0-9]{4})"
)
_HTTP_DATE: Final = r"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT"

#: All forms, as a pattern. None of them but the digits is the beginning, or the end, of another one: where nothing separates the
#: time from the body in what is signed, nothing can be taken from the one for the other.
WRITTEN_TIME: Final = rf"{_RFC_3339}|{_HTTP_DATE}|{_DIGITS}"

_WHOLE: Final = re.compile(WRITTEN_TIME, re.ASCII)
_MILLISECOND_DIGITS: Final = 13


def is_milliseconds(written: str) -> bool:
    """
    Tell whether a time is written in milliseconds.

    :param written: The time, in one of the forms.
    """
    return len(written) == _MILLISECOND_DIGITS and written.isdecimal()


def read_time(written: str) -> float | None:
    """
    Return a time in seconds since 1970, or None where it is none that is read here.

    :param written: Seconds since 1970, milliseconds (which have 13 digits), RFC 3339 with its zone (``2026-01-31T12:00:00Z``), or
        a date of HTTP.
    """
    if not _WHOLE.fullmatch(written):
        return None
    if written.isdecimal():
        return int(written) / 1000 if is_milliseconds(written) else int(written)
    try:
        moment = parsedate_to_datetime(written) if written.endswith("GMT") else dt.datetime.fromisoformat(written)
        return moment.timestamp()
    except (ValueError, OverflowError):
        return None
