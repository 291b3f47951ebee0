"""What is told of a batch: how far it is, and how it ended."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from airflow_provider_cloudfn.exceptions import CloudFunctionError
from airflow_provider_cloudfn.journal.entries import FORGET
from airflow_provider_cloudfn.operators.once import TaskOutcomeUnknownError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from airflow_provider_cloudfn.authoring.for_each import ForEach
    from airflow_provider_cloudfn.journal.entries import BatchEntry

__all__ = ["ProgressLog", "Summary", "is_anew", "too_many", "unknown_outcome"]

#: Seconds from the beginning to the first lines of progress; after these one a minute.
_RHYTHM: Final = (1, 3, 8, 18, 38, 68, 128)
#: The name of what a run's conf says to begin a batch anew.
_RESTART: Final = "restart"
#: What lets a batch go on: Airflow 3.4 throws away what a cleared task has written down, unless it is told to keep it.
_CLEAR: Final = "clear it, from Airflow 3.4 on with 'Keep task state and resume'"
#: How many keys an error names.
_KEYS_TOLD: Final = 20


class Summary(Struct, frozen=True):
    """
    How a batch ended: what its completion event carries unless ``event_payload`` says otherwise.

    :param count: How many items there were.
    :param ok: How many calls have succeeded.
    :param failed: How many have failed.
    :param unknown: Of how many of those nobody knows whether they were carried out.
    :param seconds: How long this try took.
    """

    count: int
    ok: int
    failed: int
    unknown: int
    seconds: float

    def sentence(self, *, made: int) -> str:
        """
        Return what the log says of it.

        :param made: How many of the calls this try has made.
        """
        return (
            f"{self.count:,} calls: {self.ok:,} ok, {self.failed:,} failed, {self.unknown:,} unknown; {made:,} of them in this "
            f"try, in {self.seconds:.1f} s ({made / self.seconds if self.seconds else 0.0:.1f} a second)"
        )


class ProgressLog:
    """Says from time to time how far a batch is."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._lines = 0

    @property
    def spent(self) -> float:
        """How many seconds it is since the beginning."""
        return time.monotonic() - self._begun

    def line(self, entry: BatchEntry, *, skipped: int, total: int | None) -> str | None:
        """
        Return what the log says now; None where it is not time for another line.

        :param skipped: How many items an earlier try has done.
        :param total: How many there are, where that is known.
        """
        spent = self.spent
        if spent < (_RHYTHM[self._lines] if self._lines < len(_RHYTHM) else _RHYTHM[-1] + 60 * (self._lines - 6)):
            return None
        self._lines += 1
        made = entry.done - skipped
        of = "" if total is None else f" of {total:,}"
        left = "" if total is None or not made else f", about {spent / made * (total - entry.done):.0f} s left"
        return f"{entry.done:,}{of} calls done, {entry.failed:,} failed, {made / spent:.1f} a second{left}"


def too_many(entry: BatchEntry, each: ForEach, failures: str) -> CloudFunctionError:
    """
    Return the error of a batch of which more items have failed than may.

    :param failures: The XCom key of those that have failed.
    """
    first = entry.failures[0]
    allows = "on_error='fail'" if each.on_error == "fail" else f"max_failures={each.max_failures}"
    has = "all" if entry.failed == len(entry.failures) else f"the first {len(entry.failures):,}"
    return CloudFunctionError(
        f"for_each: {entry.failed:,} items have failed, more than {allows} allows, the first "
        f"of them item {first.index} ({first.key}): {first.error}; XCom {failures!r} has {has}. Allow more, {_CLEAR}: "
        f"what is done stays done, and the rest is sent; or begin anew: {FORGET}"
    )


def unknown_outcome(
    keys: list[str], error: CloudFunctionError | None, *, goes_on: bool, sent_at: dt.datetime, method: str, url: str
) -> TaskOutcomeUnknownError:
    """
    Return the error of items of which nobody knows whether their calls were carried out.

    :param error: How the call has failed; None where an earlier try may have made it.
    :param goes_on: Whether the batch goes on with failures: what has failed is done then.
    :param sent_at: When the first call of the batch was made.
    :param method: The method of all.
    :param url: The connection's base URL.
    """
    more = f" and {len(keys) - _KEYS_TOLD:,} more" if len(keys) > _KEYS_TOLD else ""
    why = "a try before may have sent it" if error is None else error.message
    ways = (
        "If it was not carried out, make it in another run: to clear a batch that is done makes all of its calls again"
        if goes_on
        else f"Then mark the task as success, or {_CLEAR}: what is done stays done, and the rest is sent anew"
    )
    return TaskOutcomeUnknownError(
        f"nobody knows whether the call for {', '.join(keys[:_KEYS_TOLD])}{more} was carried out ({why}), so it is not made "
        f"again by itself. Look in the service for what these keys name. {ways}. So that nobody has to look next time: "
        "idempotency_key=True where the service knows such keys, or on_unknown='resend' where twice does no harm",
        sent_at=sent_at,
        method=method,
        url=url,
        status=None if error is None else error.status,
        request_id=None if error is None else error.request_id,
    )


def is_anew(conf: Mapping[str, Any], log: Any) -> bool:
    """Return whether a run's conf says that a batch is to begin anew."""
    restart = conf.get(_RESTART)
    if restart is not None and not isinstance(restart, bool):
        log.warning("conf: %r is true or false for a batch, not %r: it is passed over", _RESTART, restart)
    return restart is True
