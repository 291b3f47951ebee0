"""How long a service asks to wait (RFC 9110, section 10.2.3)."""

from __future__ import annotations

import datetime as dt
from email.utils import parsedate_to_datetime

__all__ = ["seconds_to_wait"]

_LONGEST = 10**9


def seconds_to_wait(retry_after: str | None) -> float | None:
    """
    Return the seconds of a ``Retry-After``; None where it says nothing of use.

    :param retry_after: The header's value: a whole number of seconds, or a date.
    """
    text = (retry_after or "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return float(min(int(text[:12]), _LONGEST))
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return max(0.0, (moment - dt.datetime.now(tz=dt.UTC)).total_seconds())
