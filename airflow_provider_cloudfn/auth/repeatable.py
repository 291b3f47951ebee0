"""Which answers and failures may be repeated: the one place that the call, the token endpoint, polling and the task ask."""

from __future__ import annotations

import datetime as dt
import re
import time
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from airflow_provider_cloudfn.exceptions import AuthenticationError, CommunicationError, RequestTimeoutError

if TYPE_CHECKING:
    from airflow_provider_cloudfn.exceptions import CloudFunctionError

__all__ = [
    "can_succeed_later",
    "is_outage",
    "is_put_off",
    "is_put_off_for_long",
    "is_worth_asking_for_a_token_again",
    "is_worth_repeating",
    "may_repeat_after",
    "moment_of",
    "proxy_may_recover",
    "seconds_meant",
    "seconds_to_wait",
]

_LATER: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
#: A service that answers so has not done what it was asked.
_NOT_DONE: Final = frozenset({429, 503})
#: One that answers so may have done it.
_MAYBE_DONE: Final = frozenset({429, 502, 503, 504})
_OUTAGE_ERRORS: Final = ("temporarily_unavailable", "server_error")
_LONGEST: Final = 1e9
_MOMENTS: Final = 1e9
_MILLISECONDS: Final = 1e12
_SECONDS: Final = re.compile(r"[0-9]+(\.[0-9]*)?(\s*,\s*[0-9]+(\.[0-9]*)?)*")


def seconds_to_wait(retry_after: str | None, date: str | None = None) -> float | None:
    """
    Return the seconds of a ``Retry-After`` (RFC 9110, section 10.2.3); None where it says nothing of use.

    :param retry_after: The header's value: seconds, with a fraction at some services (Shopify), or a date, at some as seconds or
        milliseconds since 1970; where it came more than once, the longest wait counts.
    :param date: The answer's ``Date``, from which a date counts: the clock of this machine may be another.
    """
    text = (retry_after or "").strip()
    if not text:
        return None
    now = time.time() if (said := moment_of(date)) is None else said
    if _SECONDS.fullmatch(text):
        return min(max(seconds_meant(float(number), now) for number in text.split(",")), _LONGEST)
    moment = moment_of(text)
    return None if moment is None else min(max(0.0, moment - now), _LONGEST)


def seconds_meant(number: float, now: float) -> float:
    """
    Return the seconds of a wait that a service writes as a number: as such, or as the moment of its end.

    :param number: The number; one that would be 31 years and more is a moment, in seconds or in milliseconds since 1970.
    :param now: The moment by the service's own clock, in seconds since 1970.
    """
    if number < _MOMENTS:
        return number
    return max(0.0, (number / 1000 if number >= _MILLISECONDS else number) - now)


def can_succeed_later(status: int, retry_after: float | None = None) -> bool:
    """
    Return whether the same request can succeed later, unchanged: what the task's own retries go by.

    :param status: The status of the answer. One of 5xx that nobody knows counts as 500 (RFC 9110, section 15).
    :param retry_after: How many seconds the service asks to wait; a refusal with it is one for that long.
    """
    return _known(status) in _LATER or (status >= 400 and retry_after is not None)


def may_repeat_after(status: int, retry_after: float | None, *, idempotent: bool) -> bool:
    """
    Return whether an answer is worth another attempt within the call.

    :param status: The status of the answer.
    :param retry_after: How many seconds the service asks to wait.
    :param idempotent: Whether sending the request twice does no more than sending it once.
    """
    if status in (_MAYBE_DONE if idempotent else _NOT_DONE):
        return True
    # A refusal of 4xx has done nothing; a fault of 5xx may come after the deed.
    return retry_after is not None and 400 <= status < (600 if idempotent else 500)


def is_worth_repeating(error: CloudFunctionError, *, idempotent: bool) -> bool:
    """
    Return whether a failure without an answer is worth another attempt within the call.

    :param error: What went wrong.
    :param idempotent: As of :func:`may_repeat_after`.
    """
    if not error.retryable:
        return False
    if error.never_sent or isinstance(error, AuthenticationError):
        return True
    return idempotent and isinstance(error, (CommunicationError, RequestTimeoutError))


def is_worth_asking_for_a_token_again(status: int, code: object) -> bool:
    """
    Return whether a token endpoint that gave no token can give one later.

    :param status: The status of its answer.
    :param code: The ``error`` that the answer names (RFC 6749, section 5.2).
    """
    return status == 429 or status >= 500 or code == "slow_down" or code in _OUTAGE_ERRORS


def is_outage(status: int, code: object) -> bool:
    """
    Return whether it is the token endpoint's fault that it gave no token, and not that of who asked.

    :param status: The status of its answer.
    :param code: As of :func:`is_worth_asking_for_a_token_again`.
    """
    return (status >= 500 and can_succeed_later(status)) or code in _OUTAGE_ERRORS


def is_put_off(error: CloudFunctionError) -> bool:
    """
    Return whether a service has put a question off instead of refusing it: it says when to come back.

    :param error: The error that its answer is.
    """
    return error.status is not None and error.status >= 400 and error.retry_after is not None


def is_put_off_for_long(error: CloudFunctionError, patience: float) -> bool:
    """
    Return whether a request was not carried out, and the service, or a rate limit, wants a wait that its sender has no time for.

    :param error: How it failed.
    :param patience: For how many seconds a call waits by itself.
    """
    if error.retry_after is None:
        return False
    return error.never_sent or (error.status in _NOT_DONE and error.retry_after >= patience)


def proxy_may_recover(status: int) -> bool:
    """
    Return whether a proxy that makes no tunnel can make one later.

    :param status: What it answered.
    """
    return status in _MAYBE_DONE


def moment_of(date: str | None) -> float | None:
    """
    Return the moment that a date of HTTP says (RFC 9110, section 5.6.7), in seconds since 1970; None for what is none.

    :param date: Such as the value of the header ``Date``.
    """
    try:
        moment = parsedate_to_datetime(date or "")
        return (moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment).timestamp()
    except (ValueError, OverflowError):
        return None


def _known(status: int) -> int:
    return 500 if 500 <= status < 600 and status not in _STATUSES else status


_STATUSES: Final = frozenset(int(status) for status in HTTPStatus)
