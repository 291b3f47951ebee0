"""What came of each attempt of a call: for logs, traces and metrics, without any secret."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from airflow_provider_cloudfn.client.time_split import TimeSplit
from airflow_provider_cloudfn.exceptions import CloudFunctionError

if TYPE_CHECKING:
    from airflow_provider_cloudfn.auth.token_store import TokenSource
    from airflow_provider_cloudfn.client.response import Response

__all__ = ["Attempt", "AttemptObserver", "report"]

log = logging.getLogger(__name__)

_LONGEST_PATH = 80


class Attempt(Struct, frozen=True):
    """
    One attempt.

    :param number: Counted from 1.
    :param method: The request's method.
    :param url: Where it went, without secrets.
    :param started_at: When, in seconds since the epoch.
    :param duration: How many seconds it took, token requests and redirects included.
    :param status: The status of the answer; None where none came.
    :param request_id: The service's own name for the request, where it gives one.
    :param error: What went wrong, without secrets; None for an answer of any status. A cancelled attempt has the error's class.
    :param error_type: The name of the error's class.
    :param sent: Bytes of the body that was sent.
    :param received: Bytes of the body that came, after decompression.
    :param token_requests: How many requests were sent to get a token.
    :param next_in: In how many seconds the next attempt follows; None where this was the last.
    :param rate_limit: How many seconds it waited before for the rate limit; they are not in `duration`.
    :param elapsed: Seconds from the beginning of its call to the end of the attempt.
    :param token_source: Where its access token came from; None where it has none.
    :param split: Where the time went.
    """

    number: int
    method: str
    url: str
    started_at: float
    duration: float = 0.0
    status: int | None = None
    request_id: str | None = None
    error: str | None = None
    error_type: str | None = None
    sent: int = 0
    received: int = 0
    token_requests: int = 0
    next_in: float | None = None
    rate_limit: float = 0.0
    elapsed: float = 0.0
    token_source: TokenSource | None = None
    split: TimeSplit = TimeSplit()

    def ended(self, outcome: Response | BaseException, duration: float, request_id: str | None = None) -> Attempt:
        """
        Return the attempt with what came of it.

        :param outcome: The answer, or what went wrong; what ended it from outside has the name of its class for a text.
        :param duration: As of the attempt.
        :param request_id: As of the attempt.
        """
        if not isinstance(outcome, BaseException):
            return replace(self, duration=duration, status=outcome.status, request_id=request_id)
        kind, status = type(outcome).__name__, None
        error = kind
        if isinstance(outcome, CloudFunctionError):
            error, status = str(outcome), outcome.status
        return replace(self, duration=duration, status=status, request_id=request_id, error=error, error_type=kind)

    def sentence(self) -> str:
        """Return what a reader of the log wants to know first, such as ``POST /v1/charges → 201 in 19 ms``."""
        path = urlsplit(self.url).path or "/"
        shown = path if len(path) <= _LONGEST_PATH else f"{path[:_LONGEST_PATH]}…"
        outcome = self.status if self.status is not None else self.error_type
        return f"{self.method} {shown} → {outcome} in {self.duration * 1000:.0f} ms"


AttemptObserver: TypeAlias = Callable[[Attempt], object]


def report(attempt: Attempt, observer: AttemptObserver | None) -> None:
    """
    Log an attempt on one line, and tell it to whoever wants to know. What that one does wrong breaks no call.

    :param observer: Is told, and is expected to log it itself, so that the line here is for debugging; or None.
    """
    level = logging.INFO if observer is None else logging.DEBUG
    if log.isEnabledFor(level):
        log.log(
            level,
            "%s (attempt %d, %s, %d bytes sent, %d received%s)",
            attempt.sentence(),
            attempt.number,
            attempt.url,
            attempt.sent,
            attempt.received,
            "" if attempt.next_in is None else f"; next in {attempt.next_in:.1f} s",
        )
    if observer is None:
        return
    try:
        observer(attempt)
    except Exception:
        log.exception("An observer of attempts failed")
