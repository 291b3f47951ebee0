"""
What an answer says of the service's own limit, in the spellings that are in use.

``RateLimit`` is a structured field (RFC 9651) of draft-ietf-httpapi-ratelimit-headers-11: ``"default";r=0;t=30``; older drafts
wrote ``limit=100, remaining=0, reset=30`` there. Three fields are more common than it: ``X-RateLimit-Limit``, ``-Remaining``
and ``-Reset``, also without ``X-``; where a service counts more than requests, it says what at their end (``-Requests``,
``-Tokens``). The reset is in seconds, a duration such as ``6m0s``, or a moment.
"""

from __future__ import annotations

import datetime as dt
import re
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from airflow_provider_cloudfn.auth.repeatable import moment_of, seconds_meant

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["seconds_of_pause"]

_PREFIXES: Final = ("ratelimit", "x-ratelimit", "x-rate-limit")
_ENDS: Final = ("", "-requests", "-tokens")
#: The names of what remains, and of when it begins anew.
_PAIRS: Final = tuple((f"{prefix}-remaining{end}", f"{prefix}-reset{end}") for prefix in _PREFIXES for end in _ENDS)
#: One of these stands in every answer that says something.
_FIELDS: Final = frozenset({"ratelimit", *(remaining for remaining, _ in _PAIRS)})
#: No field that is longer than that is read.
_LONGEST: Final = 4096

#: Hours, minutes, seconds, milliseconds, as Go writes a duration.
_DURATION: Final = re.compile(
    r"(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m(?!s))?(?:([0-9]{1,9}(?:\.[0-9]{1,9})?)s)?(?:([0-9]{1,9}(?:\.[0-9]{1,9})?)ms)?"
)
_UNITS: Final = (3600.0, 60.0, 1.0, 0.001)
_LONGEST_RESET: Final = 64

_NUMBER: Final = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,9})?")
_STRING: Final = r'"(?:[ !#-\[\]-~]|\\["\\])*"'
_TOKEN: Final = r"[A-Za-z*][A-Za-z0-9:/!#$%&'*+.^_`|~-]*"  # noqa: S105 - a token of the grammar
_VALUE: Final = rf"(?:{_STRING}|{_TOKEN}|-?[0-9]{{1,15}}(?:\.[0-9]{{1,3}})?|:[A-Za-z0-9+/=]*:|\?[01]|@-?[0-9]{{1,15}})"
_PARAMETER: Final = re.compile(rf"; *([a-z*][a-z0-9_.*-]*)(?:=({_VALUE}))?")
_POLICY: Final = re.compile(rf"(?:{_STRING}|{_TOKEN})((?:{_PARAMETER.pattern})*)[ \t]*(?:,[ \t]*|$)")
_OLD_PAIR: Final = re.compile(r"(limit|remaining|reset)=(-?[0-9]{1,15})[^,]*(?:,[ \t]*|$)")


def seconds_of_pause(headers: Mapping[str, str]) -> float | None:
    """
    Return how long nothing more should be sent, because nothing remains of a limit.

    :param headers: The answer's headers, names in lower case.
    :returns: Seconds; None where something remains, or nothing of use is said. What can't be read counts as not said.
    """
    if _FIELDS.isdisjoint(headers):
        return None
    waits = [0.0]
    written = headers.get("ratelimit")
    if written is not None and len(written) <= _LONGEST:
        waits.extend(_of_policies(written.strip()))
    for remaining, reset in _PAIRS:
        if _is_used_up(_number(headers.get(remaining))) and reset in headers:
            waits.append(_until(headers[reset].strip(), headers))
    return max(waits) or None


def _of_policies(written: str) -> Iterator[float]:
    """Yield the seconds until each policy begins anew of which nothing remains; none where the field is no field."""
    old = _all_of(_OLD_PAIR, written)
    if old:
        said = {match[1]: float(match[2]) for match in old}
        if _is_used_up(said.get("remaining")) and "reset" in said:
            yield said["reset"]
        return
    for policy in _all_of(_POLICY, written):
        parameters = {match[1]: match[2] for match in _PARAMETER.finditer(policy[1])}
        remaining, reset = _number(parameters.get("r")), _number(parameters.get("t"))
        if _is_used_up(remaining) and reset is not None:
            yield reset


def _all_of(part: re.Pattern[str], written: str) -> list[re.Match[str]]:
    """Return the parts that a text is made of; none where there is anything else in it."""
    found: list[re.Match[str]] = []
    position = 0
    while position < len(written):
        match = part.match(written, position)
        if match is None:
            return []
        found.append(match)
        position = match.end()
    return found


def _is_used_up(remaining: float | None) -> bool:
    """Return whether nothing remains: some services count on below 0, as long as more comes than they allow."""
    return remaining is not None and remaining <= 0


def _number(written: str | None) -> float | None:
    found = None if written is None else _NUMBER.fullmatch(written.strip())
    return None if found is None else float(found[0])


def _until(reset: str, headers: Mapping[str, str]) -> float:
    """Return in how many seconds a limit begins anew: some services say that, and others the moment; 0 for what says neither."""
    number = _number(reset)
    if number is None:
        duration = _DURATION.fullmatch(reset) if reset and len(reset) <= _LONGEST_RESET else None
        if duration is not None:
            return sum(float(count) * unit for count, unit in zip(duration.groups("0"), _UNITS, strict=True))
        moment = _moment(reset)
    else:
        return seconds_meant(number, _now(headers))
    return 0.0 if moment is None else max(0.0, moment - _now(headers))


def _moment(written: str) -> float | None:
    """Return the moment that a date of RFC 3339, or one of HTTP, says; None where it is neither, or in no time zone."""
    if len(written) > _LONGEST_RESET:
        return None
    for read in (dt.datetime.fromisoformat, parsedate_to_datetime):
        try:
            found = read(written)
            return None if found.tzinfo is None else found.timestamp()
        except (ValueError, OverflowError):
            continue
    return None


def _now(headers: Mapping[str, str]) -> float:
    """Return the moment by the service's own clock, where it says it."""
    return time.time() if (said := moment_of(headers.get("date"))) is None else said
