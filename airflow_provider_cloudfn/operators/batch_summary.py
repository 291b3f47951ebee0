"""What is told of a batch: how far it is, and how it ended."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from airflow_provider_cloudfn.journal.entries import BatchEntry

__all__ = ["Progress", "Summary"]

#: Seconds from the beginning to the first lines of progress; after these one a minute.
_RHYTHM: Final = (1, 3, 8, 18, 38, 68, 128)


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


class Progress:
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

        :param entry: How far the batch is.
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
