"""Collects what a step's record says, while its calls are made: in memory that stays flat, however many there are."""

from __future__ import annotations

import datetime as dt
import heapq
import threading
from bisect import bisect_right
from collections import Counter, deque
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, get_args

from msgspec import Struct, field
from msgspec.structs import replace

from airflow_provider_cloudfn.auth.token_store import TokenSource
from airflow_provider_cloudfn.exceptions import CloudFunctionError, OutcomeUnknownError
from airflow_provider_cloudfn.records.call_record import (
    AttemptRecord,
    Bucket,
    CallRecord,
    ErrorRecord,
    FailedCall,
    FailuresOfStatus,
    ManyCalls,
    SlowCall,
    Totals,
)
from airflow_provider_cloudfn.records.shown import NAME, TEXT, URL, Shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_cloudfn.auth.message import HttpRequest, HttpResponse
    from airflow_provider_cloudfn.client.attempt import Attempt
    from airflow_provider_cloudfn.client.settings import ClientSettings
    from airflow_provider_cloudfn.records.call_record import Exchange, Journal, Kind, TryOutcome

__all__ = ["DURATIONS", "FAILURES", "SLOWEST", "CallRecorder", "ItemCounts"]

#: The bounds of the histogram, in seconds.
DURATIONS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
#: How many of the slowest calls are told.
SLOWEST: Final = 5
#: How many failures are told, and how many characters of each.
FAILURES: Final = 10
_FAILURE: Final = 300
#: How many statuses of failures are counted.
_STATUSES: Final = 8
#: How many attempts of a call are told: of the first ones, and of the last.
FIRST, LAST = 5, 10
_SOURCES: Final = get_args(TokenSource)


class ItemCounts(Struct, frozen=True, kw_only=True):
    """
    How far a batch got.

    :param total: How many items were done or failed.
    :param ok: How many have succeeded, over all tries.
    :param failed: How many have failed.
    :param unknown: Of how many of those nobody knows whether they were carried out.
    :param earlier: How many were done by an earlier try.
    :param failures: The first that failed.
    :param statuses: How often each status was why; None where no answer came.
    """

    total: int = 0
    ok: int = 0
    failed: int = 0
    unknown: int = 0
    earlier: int = 0
    failures: tuple[FailedCall, ...] = ()
    statuses: Counter[int | None] = field(default_factory=Counter)


class _Call:
    """What is known of one call."""

    def __init__(self) -> None:
        self.first: list[Attempt] = []
        self.last: deque[Attempt] = deque(maxlen=LAST)
        self.count = 0
        self._raw: tuple[HttpRequest, HttpResponse | None] | None = None
        self._exchange: Exchange | None = None

    def take(self, attempt: Attempt, raw: tuple[HttpRequest, HttpResponse | None] | None) -> None:
        """Take note of an attempt, and of what was exchanged in it."""
        self.count += 1
        (self.first if len(self.first) < FIRST else self.last).append(attempt)
        self._raw, self._exchange = raw or self._raw, None

    @property
    def newest(self) -> Attempt:
        """The last attempt."""
        return self.last[-1] if self.last else self.first[-1]

    def exchange(self, shown: Shown) -> Exchange | None:
        """Return what is shown of it. What it is made of is not kept any longer."""
        if self._raw is not None:
            self._exchange = shown.exchange(*self._raw, received=self.newest.received)
            self._raw = None
        return self._exchange

    def attempts(self, shown: Shown) -> tuple[AttemptRecord, ...]:
        """Return its attempts, the first and the last of many."""
        return tuple(_told(one, shown) for one in (*self.first, *self.last))


class CallRecorder:
    """
    Is told of the calls of a step, from any of its threads and event loops, and makes the step's record of them.

    What the step itself knows is assigned to it.

    :param kind: What the step does.
    :param mask: Hides what is known to be secret besides what the client knows.
    """

    def __init__(self, kind: Kind, mask: Callable[[str], str] = str) -> None:
        self.kind = kind
        #: The cloud function's name, the connection and its type.
        self.function = self.conn_id = self.conn_type = ""
        self._shown = Shown(mask=mask)
        self.items: ItemCounts | None = None
        self.idempotency_key: str | None = None
        self.journal: Journal | None = None
        self.event: str | None = None
        self.event_id: str | None = None
        self._lock = threading.Lock()
        self._totals: Counter[str] = Counter()
        self._rate_limit = 0.0
        self._sources: set[TokenSource] = set()
        self._durations: Counter[int] = Counter()
        self._slowest: list[tuple[float, int, Attempt]] = []
        self._first: _Call | None = None
        self._failed: _Call | None = None
        self._newest: _Call | None = None
        # Of the call at hand: each has a context of its own where there are many at a time.
        self._call: ContextVar[_Call | None] = ContextVar("cloudfn_call", default=None)
        self._raw: ContextVar[tuple[HttpRequest, HttpResponse | None] | None] = ContextVar("cloudfn_raw", default=None)

    def over(self, conn_id: str, conn_type: str, settings: ClientSettings) -> None:
        """
        Learn over which connection the calls go.

        :param settings: What a client of it is made of.
        """
        self.conn_id, self.conn_type, self._shown = conn_id, conn_type, replace(self._shown, settings=settings)

    def exchanged(self, request: HttpRequest, answer: HttpResponse | None) -> None:
        """
        Take note of a request and its answer, before the end of the attempt that they belong to.

        :param request: The request, without credentials.
        :param answer: Its answer; None where none came.
        """
        before = self._raw.get()
        # Behind a redirect, the request is the one that was asked for, and the answer the one that it led to.
        self._raw.set((request if before is None else before[0], answer))

    def ended(self, attempt: Attempt) -> None:
        """Take note of an attempt."""
        raw = self._raw.get()
        self._raw.set(None)
        call = self._call.get()
        if call is None or attempt.number == 1:
            call = _Call()
            self._call.set(call)
        call.take(attempt, raw)
        with self._lock:
            self._count(attempt)
            self._keep(call, attempt)

    def record(
        self,
        outcome: TryOutcome,
        *,
        started_at: dt.datetime,
        seconds: float,
        try_number: int,
        error: BaseException | None,
    ) -> CallRecord:
        """Return the record, not bounded yet."""
        with self._lock:
            main = self._main()
            newest = self._newest
            is_last_told = self.kind in ("job", "pages") and newest is not main
            shown_attempts = () if main is None else main.attempts(self._shown)
            return CallRecord(
                function=self._shown.text(self.function, NAME),
                conn_id=self._shown.text(self.conn_id, NAME),
                conn_type=self.conn_type,
                kind=self.kind,
                outcome=outcome,
                started_at=started_at,
                seconds=round(seconds, 6),
                try_number=try_number,
                totals=Totals(**self._totals, rate_limit=round(self._rate_limit, 6)),
                exchange=None if main is None else main.exchange(self._shown),
                last=newest.exchange(self._shown) if newest is not None and is_last_told else None,
                attempts=shown_attempts,
                attempts_left_out=0 if main is None else main.count - len(shown_attempts),
                many=self._many(),
                credentials=max(self._sources, key=_SOURCES.index, default=None),
                idempotency_key=self._name(self.idempotency_key),
                journal=self._journal_after(error),
                event=self._name(self.event),
                event_id=self.event_id,
                error=None if error is None else self._error(error),
            )

    def _journal_after(self, error: BaseException | None) -> Journal | None:
        if isinstance(error, OutcomeUnknownError):
            return "unknown"
        was_sent = not (isinstance(error, CloudFunctionError) and error.never_sent)
        return self.journal if was_sent else None

    def _count(self, attempt: Attempt) -> None:
        is_first = attempt.number == 1
        counted = {
            "calls": is_first,
            "attempts": 1,
            "retries": not is_first,
            "bytes_out": attempt.sent,
            "bytes_in": attempt.received,
            "credential_requests": attempt.token_requests,
        }
        for name, count in counted.items():
            if count:
                self._totals[name] += int(count)
        self._rate_limit += attempt.rate_limit
        if attempt.token_source is not None:
            self._sources.add(attempt.token_source)

    def _keep(self, call: _Call, attempt: Attempt) -> None:
        """Keep of a call what the record says of it: of most of many, how long they took."""
        if self._first is None:
            self._first = call
        elif self._first is not call:
            self._first.exchange(self._shown)
        self._newest = call
        if attempt.next_in is not None:
            return
        self._durations[bisect_right(DURATIONS, attempt.elapsed)] += 1
        slow = (attempt.elapsed, self._totals["attempts"], attempt)
        if len(self._slowest) < SLOWEST:
            heapq.heappush(self._slowest, slow)
        else:
            heapq.heappushpop(self._slowest, slow)
        if self._failed is None and (attempt.status is None or attempt.status >= 400):
            self._failed = call
            if self.kind == "batch":
                call.exchange(self._shown)

    def _main(self) -> _Call | None:
        """Return the call that is shown."""
        if self.kind in ("call", "wait"):
            return self._newest
        return self._failed or self._first if self.kind == "batch" else self._first

    def _many(self) -> ManyCalls | None:
        items = self.items or ItemCounts()
        if self.kind == "call" or (self.items is None and self._totals["calls"] < 2):
            return None
        told = [one for _, _, one in sorted(self._slowest, reverse=True)]
        failures = items.failures[:FAILURES]
        return ManyCalls(
            items=None if self.items is None else items.total,
            ok=items.ok,
            failed=items.failed,
            unknown=items.unknown,
            earlier=items.earlier,
            durations=tuple(
                Bucket(below=bound, count=self._durations[at])
                for at, bound in enumerate((*DURATIONS, None))
                if self._durations[at]
            ),
            slowest=tuple(
                SlowCall(
                    seconds=round(one.elapsed, 6),
                    method=one.method,
                    url=self._shown.text(one.url, URL // 10),
                    status=one.status,
                    attempts=one.number,
                )
                for one in told
            ),
            failures=tuple(
                FailedCall(
                    key=self._name(one.key),
                    error=self._shown.text(one.error, _FAILURE),
                    status=one.status,
                    request_id=self._name(one.request_id),
                )
                for one in failures
            ),
            failures_left_out=max(0, items.failed - len(failures)),
            by_status=tuple(
                FailuresOfStatus(status=one, count=count) for one, count in items.statuses.most_common(_STATUSES)
            ),
        )

    def _error(self, error: BaseException) -> ErrorRecord:
        ours = error if isinstance(error, CloudFunctionError) else None
        return ErrorRecord(
            type=type(error).__name__,
            message=self._shown.text(str(error), TEXT, lines=True),
            status=None if ours is None else ours.status,
            request_id=None if ours is None else self._name(ours.request_id),
            retryable=None if ours is None else ours.retryable,
        )

    def _name(self, name: str | None) -> str | None:
        return None if name is None else self._shown.text(name, NAME)


def _told(attempt: Attempt, shown: Shown) -> AttemptRecord:
    return AttemptRecord(
        number=attempt.number,
        started_at=dt.datetime.fromtimestamp(attempt.started_at, tz=dt.UTC),
        seconds=round(attempt.duration, 6),
        rate_limit=attempt.rate_limit,
        status=attempt.status,
        error_type=attempt.error_type,
        error=None if attempt.error is None else shown.text(attempt.error, _FAILURE),
        next_in=None if attempt.next_in is None else round(attempt.next_in, 3),
        bytes_out=attempt.sent,
        bytes_in=attempt.received,
        credentials=attempt.token_source,
        split=attempt.split.rounded(),
    )
