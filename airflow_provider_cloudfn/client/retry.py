"""When a request is sent again within one call: by what the method promises, and within bounds."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from airflow_provider_cloudfn.auth.repeatable import is_worth_repeating, may_repeat_after
from airflow_provider_cloudfn.client.status import retry_after_seconds, status_meant
from airflow_provider_cloudfn.exceptions import CloudFunctionError, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_cloudfn.client.response import Response

__all__ = [
    "IDEMPOTENCY_HEADERS",
    "NO_RETRY",
    "RetryPolicy",
    "attempts_problem",
    "idempotency_key_in",
    "repeats_safely",
]

#: RFC 9110, section 9.2.2.
_IDEMPOTENT_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
#: What services call the header of an idempotency key, in lower case.
IDEMPOTENCY_HEADERS = frozenset({"idempotency-key", "x-idempotency-key"})


def attempts_problem(value: object) -> str | None:
    """
    Say what is wrong with a number of attempts.

    :param value: What was given as one.
    """
    return None if type(value) is int and 1 <= value <= 100 else f"must be a whole number from 1 to 100, not {value!r}"


class RetryPolicy(Struct, frozen=True):
    """
    How often, and how soon.

    A request that can be repeated is sent again after 429, 502, 503, 504, a broken connection and a timeout; any other after
    429, 503 and a connection that was never made. The waits are random between 0 and a bound that doubles ("full jitter"); a
    ``Retry-After`` is waited for as it says, or not at all where it doesn't fit in the time that is left.

    :param attempts: How many there may be, the first one included.
    :param total: Seconds within which all of them must begin; the call's own timeout ends them too.
    :param first_wait: The bound of the first wait, in seconds.
    :param longest_wait: The bound that it doubles up to, in seconds.
    :param retry_when: Decides over any answer, instead of the statuses above; None leaves it to them.
    :raises ConfigurationError: for numbers that make no sense.
    """

    attempts: int = 3
    total: float = 30.0
    first_wait: float = 0.5
    longest_wait: float = 8.0
    retry_when: Callable[[Response], bool | None] | None = None

    def __post_init__(self) -> None:
        if (problem := attempts_problem(self.attempts)) is not None:
            raise ConfigurationError(f"retry: attempts {problem}")
        for name in ("total", "first_wait", "longest_wait"):
            seconds = getattr(self, name)
            if type(seconds) not in (int, float) or not 0 < seconds < float("inf"):
                raise ConfigurationError(f"retry: {name} must be seconds above 0, not {seconds!r}")

    def wants(self, outcome: Response | CloudFunctionError, *, idempotent: bool) -> bool:
        """
        Return whether an outcome is worth another attempt.

        :param outcome: The answer, or what went wrong.
        :param idempotent: Whether sending the request twice does no more than sending it once.
        """
        if isinstance(outcome, CloudFunctionError):
            return is_worth_repeating(outcome, idempotent=idempotent)
        asked = None if self.retry_when is None else self.retry_when(outcome)
        if asked is not None:
            return asked
        status = status_meant(outcome)
        return status >= 400 and may_repeat_after(status, _told(outcome), idempotent=idempotent)

    def wait(self, outcome: Response | CloudFunctionError, attempt: int, *, left: float) -> float | None:
        """
        Return how many seconds to wait before the next attempt; None where there is none.

        :param outcome: What came of this one.
        :param attempt: How many there were.
        :param left: Seconds that are left for all of the call.
        """
        if attempt >= self.attempts:
            return None
        told = _told(outcome)
        if told is not None:
            seconds = told
        else:
            bound = min(self.longest_wait, self.first_wait * 2.0 ** (attempt - 1))
            seconds = random.uniform(0, bound)  # noqa: S311 - spreads load, guards nothing
        return seconds if seconds < left else None


def _told(outcome: Response | CloudFunctionError) -> float | None:
    if isinstance(outcome, CloudFunctionError):
        return outcome.retry_after
    return retry_after_seconds(outcome)


#: Every request is sent once.
NO_RETRY = RetryPolicy(attempts=1)


def repeats_safely(method: str, headers: object) -> bool:
    """
    Return whether requests can be sent twice, as far as that can be told from how they are written.

    :param method: Their method.
    :param headers: Their headers, a map by name; one without a value is none.
    """
    return method in _IDEMPOTENT_METHODS or idempotency_key_in(headers) is not None


def idempotency_key_in(headers: object) -> str | None:
    """
    Return the idempotency key that headers carry, or None.

    :param headers: A map by name; one without a value is none.
    """
    given = headers if isinstance(headers, Mapping) else {}
    keys = (
        str(value) for name, value in given.items() if value is not None and str(name).lower() in IDEMPOTENCY_HEADERS
    )
    return next((key for key in keys if key.strip()), None)
