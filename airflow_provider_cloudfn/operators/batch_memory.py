"""What the tries of a batch tell one another: which items are done, and which may have been sent."""

from __future__ import annotations

import datetime as dt
import hashlib
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from airflow_provider_cloudfn.exceptions import CloudFunctionError, ConfigurationError
from airflow_provider_cloudfn.journal.entries import BATCH, FORGET, BatchEntry, ItemFailure, ItemResult
from airflow_provider_cloudfn.operators.key_text import digest_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from airflow_provider_cloudfn.journal.task_journal import TaskJournal
    from airflow_provider_cloudfn.operators.batch_items import BatchItem
    from airflow_provider_cloudfn.operators.results import Results
    from airflow_provider_cloudfn.records.recorder import ItemCounts

__all__ = ["BatchMemory"]

#: Seconds between two writes of it.
_EVERY: Final = 1.0
#: Seconds for which who was interrupted waits for the end of a write that is under way.
_PATIENCE: Final = 5.0
#: How much of a key's digest is kept: what it is to find out is whether a list is the same.
_DIGITS: Final = 8
#: Failures that are told; the log tells all.
_FAILURES_TOLD: Final = 1_000
#: Failures that are told of which the next try calls for again: as many calls can be under way when one fails.
_PUT_OFF_TOLD: Final = 50


class BatchMemory:
    """
    Keeps the entry of a batch, and what it says of an earlier try.

    :param results: Where the results go.
    :param fingerprint: Tells whether the calls are defined as they were.
    :param keeps_windows: Whether an item may not be sent twice, so that it must be known which may have been sent.
    :param window: How many items may be sent between two writes then.
    """

    def __init__(
        self, journal: TaskJournal, results: Results, *, fingerprint: str, keeps_windows: bool, window: int
    ) -> None:
        self._journal = journal
        self._results = results
        self._keeps_windows = keeps_windows
        #: How many items may be sent between two writes.
        self.window = window
        self._keys = hashlib.sha256()
        self._written = 0.0
        #: Held while it is written: who was interrupted in the middle of that leaves a thread that goes on.
        self._writing = threading.Lock()
        self._recalled: BatchEntry | None = None
        #: Whether it was left before a Clear.
        self._is_cleared = False
        #: Whether the items are known to be those that an earlier try has done; until then what it wrote of their keys counts.
        self._fits = True
        self._ahead: dict[int, ItemResult] = {}
        #: Digests of the keys of what may have been sent, by position, from the last item on of which it was written down.
        self._sent: dict[int, str] = {}
        self._sent_before: dict[int, str] = {}
        #: How far it got when it was last written down, and what was done since: its results are kept nowhere yet.
        self._kept: BatchEntry | None = None
        self._since: list[ItemResult] = []
        #: What has failed in this try and is called for again by the next one, and how many of these have an unknown outcome.
        self._put_off: list[ItemFailure] = []
        self._unknown_put_off = 0
        self.entry = BatchEntry(
            generation=journal.generation, fingerprint=fingerprint, started_at=dt.datetime.now(tz=dt.UTC)
        )

    def expect(self, total: int | None) -> None:
        """
        Take note of how many items there are.

        :param total: How many; None where that is not known.
        """
        self.entry = replace(self.entry, total=total)

    def recall(self, log: Any, *, anew: bool, asks: bool) -> None:
        """
        Begin where an earlier try ended.

        :param anew: Whether it is forgotten instead, where the task was cleared.
        :param asks: Whether the service can be asked what was carried out: after a Clear, too.
        """
        found = self._journal.read(BATCH, BatchEntry, of_any_generation=True)
        if found is None:
            self._journal.tell_lost("all calls are made, those too that it had made by then")
            return
        is_cleared = self._journal.is_cleared(BATCH)
        # The tries after this one go on with what it has begun.
        if is_cleared and (anew or found.finished):
            log.info("The calls begin anew%s", "" if anew else ": all of an earlier run of this task were done")
            self._journal.forget(BATCH)
            self._results.discard(found.parts)
            return
        is_cleared = is_cleared and not asks
        if found.fingerprint != self.entry.fingerprint:
            log.warning("The calls are defined otherwise than in the try before; what was done then stays done")
        if found.stored is None:
            self._results.resume(found.parts, found.done)
        log.info("%s items were done by an earlier try; the calls go on behind them", f"{found.done:,}")
        self._recalled = found
        if is_cleared and (again := self.unknown - {*found.uncertain}):
            log.warning(
                "%s items from number %s on may have been sent before the task was cleared, and what came of them is not known: "
                "they are sent again, as a Clear says",
                f"{len(again):,}",
                f"{min(again):,}",
            )
        self._is_cleared = is_cleared
        self._fits = found.done == 0
        self._ahead = {one.index: one for one in found.ahead}
        # After a Clear what was sent is nobody's to compare with: the rest is sent anew, as it is by now.
        self._sent_before = {} if is_cleared else dict(found.sent)
        self._sent = dict(self._sent_before)
        mine = self.entry
        own = {"generation": mine.generation, "fingerprint": mine.fingerprint, "total": mine.total}
        self.entry = replace(found, put_off=(), **own)
        if is_cleared:
            # What was unknown was decided by whoever has cleared the task: what is sent from now on is written down anew.
            self.entry = replace(self.entry, begun=found.done, sent=(), uncertain=())

    @property
    def skipped(self) -> int:
        """How many items an earlier try has done."""
        return 0 if self._recalled is None else self._recalled.done

    @property
    def unknown(self) -> set[int]:
        """The items that an earlier try may have sent, and of which it has written no outcome."""
        return set() if self._recalled is None or self._is_cleared else self._recalled.unsettled

    @property
    def leaves_no_trace(self) -> bool:
        """Whether items were carried out that may not be sent twice, and the next try could not know."""
        return self._keeps_windows and not self._journal.is_kept and bool(self.entry.ok or self.entry.ahead)

    def result_of(self, index: int) -> ItemResult | None:
        """Return what an earlier try has got for an item behind one that has failed; None where it has got nothing."""
        return self._ahead.get(index)

    def passes_over(self, index: int, key: str) -> bool:
        """
        Return whether an earlier try has done an item and all before it, and take note of it then.

        :raises ConfigurationError: when the items are not those of that try.
        """
        recalled = self._recalled
        if recalled is None or index >= recalled.done:
            if index in self._ahead and self._ahead[index].key != key:
                raise _misfit(f"item {index} ({key}) is")
            if index in self._sent_before and self._sent_before[index] != digest_of(key, _DIGITS):
                raise _misfit(f"item {index} ({key}) is")
            return False
        self._add_key(key)
        if index + 1 == recalled.done:
            if self._keys.hexdigest()[:32] != recalled.keys:
                raise _misfit(f"the first {recalled.done:,} items are")
            self._fits = True
        return True

    def require_all(self, count: int) -> None:
        """
        Refuse to end where an earlier try has called for more items than there are by now.

        :raises ConfigurationError: in that case.
        """
        if count < max(self.skipped, *(index + 1 for index in (*self._ahead, *self._sent_before)), 0):
            raise _misfit(f"there are {count:,} items, which are")

    def is_begun(self, index: int) -> bool:
        """Return whether an item may be sent as it is; otherwise it is to be written down before that it may have been."""
        return not self._keeps_windows or not self._journal.is_kept or index < self.entry.begun

    def begin(self, window: Sequence[BatchItem]) -> None:
        """
        Write down that items may be sent.

        :param window: One behind the other, at most :attr:`window` of them.
        :raises CloudFunctionError: where it could not be written down: then none of them may be sent.
        """
        self._sent.update((item.index, digest_of(item.key, _DIGITS)) for item in window)
        self.entry = replace(self.entry, begun=window[-1].index + 1)
        # Not without the results of what it says is done.
        if not self.keep():
            raise CloudFunctionError(
                f"for_each: item {window[0].index} is not sent, as it could not be written down that it may be: the next try "
                "goes on with it",
                retryable=True,
                never_sent=True,
            )

    def take(self, key: str, failure: ItemFailure | None, result: Any = None, *, is_unknown: bool = False) -> None:
        """
        Take note of the next item that is done, or has failed.

        :param result: What it came to, where it has not failed.
        :param failure: What is told of it, where it has failed.
        :param is_unknown: Whether nobody knows what became of it.
        """
        self._add_key(key)
        entry = self.entry
        if self._journal.is_kept and failure is None:
            self._since.append(ItemResult(index=entry.done, key=key, result=result))
        told = entry.failures
        if failure is not None and len(told) < _FAILURES_TOLD:
            told = (*told, failure)
        self.entry = replace(
            entry,
            done=entry.done + 1,
            ok=entry.ok + (failure is None),
            failed=entry.failed + (failure is not None),
            unknown=entry.unknown + is_unknown,
            failures=told,
        )

    def put_off(self, failure: ItemFailure, *, is_unknown: bool) -> None:
        """
        Take note of an item that has failed, and that the next try calls for again.

        :param is_unknown: Whether nobody knows what became of it.
        """
        self._put_off.append(failure)
        self._unknown_put_off += is_unknown

    @property
    def is_due(self) -> bool:
        """Whether it is time to write down how far it got."""
        return self._results.is_full or (self._journal.is_kept and time.monotonic() - self._written >= _EVERY)

    def take_ahead(self, *done: ItemResult) -> None:
        """Take note of items that are done behind one that has failed, or is under way."""
        taken = {one.index for one in done}
        others = (one for one in self.entry.ahead if one.index not in taken)
        self.entry = replace(self.entry, ahead=(*others, *done))

    def stop(self, uncertain: AbstractSet[int]) -> None:
        """
        Write down how far it got, where all that was under way was waited for.

        :param uncertain: The items of this try of which nobody knows whether they were carried out; those of an earlier one stay
            so until they are done.
        """
        entry = self.entry
        kept = {one.index for one in entry.ahead}
        left = {index for index in self.unknown | uncertain if index >= entry.done and index not in kept}
        self._sent = {index: digest for index, digest in self._sent.items() if index in left}
        self.entry = replace(
            entry, begun=entry.done, uncertain=tuple(sorted(left)), put_off=tuple(self._put_off[:_PUT_OFF_TOLD])
        )
        try:
            self.keep()
        finally:
            if self._since:
                self._keep_beside()

    def keep(self) -> bool:
        """
        Write down how far it got, after the results that it speaks of.

        :returns: Whether that was done; otherwise what was written before counts.
        """
        if not self._writing.acquire(timeout=_PATIENCE):
            return False
        try:
            return self._keep()
        finally:
            self._writing.release()

    def _keep(self) -> bool:
        # Interrupted between a result and its entry.
        if self._results.count != self.entry.done:
            return False
        self._results.keep()
        if not self._journal.is_kept:
            return True
        self._written = time.monotonic()
        self._since.clear()
        ahead = tuple(one for one in self.entry.ahead if one.index >= self.entry.done)
        self._sent = {index: digest for index, digest in self._sent.items() if index >= self.entry.done}
        keys = self._keys.hexdigest()[:32] if self._fits else self.entry.keys
        self.entry = replace(
            self.entry, parts=self._results.parts, keys=keys, ahead=ahead, sent=tuple(self._sent.items())
        )
        self._journal.write(BATCH, self.entry)
        self._kept = self.entry
        return True

    def _keep_beside(self) -> None:
        """Write down what was done since the results had a place, with its results: that place is full, or gone."""
        mine = self.entry
        kept = (
            self._kept
            or self._recalled
            or BatchEntry(
                generation=mine.generation, fingerprint=mine.fingerprint, started_at=mine.started_at, total=mine.total
            )
        )
        self._journal.write(
            BATCH,
            replace(
                kept,
                generation=mine.generation,
                fingerprint=mine.fingerprint,
                begun=kept.done,
                sent=tuple(self._sent.items()),
                ahead=(*self._since, *(one for one in mine.ahead if one.index >= mine.done)),
                uncertain=mine.uncertain,
                put_off=mine.put_off,
            ),
        )

    def finish(self, stored: Any) -> None:
        """
        Write down that all is done.

        :param stored: What describes the file that the results are in; anything else for a list.
        """
        self.entry = replace(self.entry, finished=True, stored=stored if isinstance(stored, dict) else None)
        self.keep()

    def told(self) -> ItemCounts:
        """Return how far it got, as the log and the step's record tell it."""
        from airflow_provider_cloudfn.records.call_record import FailedCall
        from airflow_provider_cloudfn.records.recorder import FAILURES, ItemCounts

        entry, failures = self.entry, (*self.entry.failures, *self._put_off)
        return ItemCounts(
            total=entry.done + len(self._put_off),
            ok=entry.ok,
            failed=entry.failed + len(self._put_off),
            unknown=entry.unknown + self._unknown_put_off,
            earlier=self.skipped,
            failures=tuple(
                FailedCall(key=one.key, error=one.error, status=one.status, request_id=one.request_id)
                for one in failures[:FAILURES]
            ),
            statuses=Counter(one.status for one in failures),
        )

    def _add_key(self, key: str) -> None:
        self._keys.update(key.encode("utf-8", "surrogateescape") + b"\0")


def _misfit(which: str) -> ConfigurationError:
    return ConfigurationError(
        f"for_each: {which} not what an earlier try has called for: the keys do not fit what it wrote down. Give the items the "
        f"order and the keys that they had, or begin anew: {FORGET}"
    )
