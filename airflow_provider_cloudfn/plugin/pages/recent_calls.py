"""The latest calls of a function, from the records that its tasks have left: as many as the index on them gives at once."""

from __future__ import annotations

import datetime as dt  # noqa: TC003 - msgspec reads the annotations
import math
from typing import TYPE_CHECKING, Any, Final

import msgspec
from airflow.models.dagrun import DagRun
from airflow.models.xcom import XComModel
from sqlalchemy import select

from airflow_provider_cloudfn.records.call_record import CALL_RECORD_KEY, Moment, Seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy.orm import Session

__all__ = ["LATEST_CALLS", "LATEST_RUNS", "Call", "Measured", "calls_of", "latest_runs", "measured_by_function"]

#: From how many runs of a Dag calls are shown.
LATEST_RUNS: Final = 50
#: How many calls of a function are shown, and measured.
LATEST_CALLS: Final = 100


class _Sent(msgspec.Struct):
    method: str | None = None


class _Answered(msgspec.Struct):
    status: int | None = None


class _Exchange(msgspec.Struct):
    sent: _Sent = msgspec.field(default_factory=_Sent)
    answered: _Answered | None = None


class _Error(msgspec.Struct):
    type: str = ""
    message: str = ""
    status: int | None = None


class _Totals(msgspec.Struct):
    calls: int = 0
    retries: int = 0


class _Many(msgspec.Struct):
    items: int | None = None
    ok: int = 0
    failed: int = 0


class _Glance(msgspec.Struct):
    """What is shown of a call record where there are many."""

    outcome: str
    started_at: Moment
    seconds: Seconds
    exchange: _Exchange | None = None
    error: _Error | None = None
    totals: _Totals = msgspec.field(default_factory=_Totals)
    many: _Many = msgspec.field(default_factory=_Many)


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """
    A call in a list.

    :param run_id: The run.
    :param map_index: Which instance of a mapped task; -1 where it is not mapped.
    :param outcome: How it ended: ``success``, ``failed``, ``skipped`` or ``waiting``.
    :param started_at: When it began.
    :param seconds: How long it took.
    :param method: The method.
    :param status: The status of its answer; None where none came.
    :param error: Why it failed, on one line.
    :param calls: How many calls it stands for: none for a step that sent nothing.
    :param retries: How often something was sent again.
    :param items: How many items of a batch have succeeded, and how many have failed; None where it is no batch.
    """

    run_id: str
    map_index: int
    outcome: str
    started_at: dt.datetime
    seconds: float
    method: str | None = None
    status: int | None = None
    error: str | None = None
    calls: int = 1
    retries: int = 0
    items: tuple[int, int] | None = None

    @property
    def done(self) -> tuple[int, int]:
        """How much went well, and how much failed: items, where they are why the step ended so, or the step itself."""
        if self.items is not None and sum(self.items) > 0 and (self.items[1] > 0 or not self.failed):
            return self.items
        return int(self.outcome == "success"), int(self.failed)

    @property
    def failed(self) -> bool:
        """Whether it has failed."""
        return self.outcome == "failed"


class Measured(msgspec.Struct, frozen=True):
    """
    What calls come to.

    :param calls: The calls, newest first.
    """

    calls: tuple[Call, ...] = ()

    @property
    def count(self) -> int:
        """How many calls were made."""
        return sum(call.calls for call in self.calls)

    @property
    def failures(self) -> int:
        """How many steps have failed."""
        return sum(call.failed for call in self.calls)

    @property
    def success_rate(self) -> float | None:
        """Which share of what is done went well, of a batch by its items; None where nothing is."""
        ok = sum(call.done[0] for call in self.calls)
        done = ok + sum(call.done[1] for call in self.calls)
        return None if not done else ok / done

    @property
    def last_failure(self) -> Call | None:
        """The newest call that failed."""
        return next((call for call in self.calls if call.failed), None)

    @property
    def method(self) -> str | None:
        """The method of the newest call."""
        return next((call.method for call in self.calls if call.method), None)

    @property
    def median(self) -> float | None:
        """The seconds that half of the calls stay within."""
        return self.within(0.5)

    @property
    def p95(self) -> float | None:
        """The seconds that 95 of 100 calls stay within."""
        return self.within(0.95)

    def within(self, share: float) -> float | None:
        """
        Return the seconds within which a share of the calls is done: the nearest rank. None where there is no call.

        :param share: The share, above 0, at most 1.
        """
        seconds = sorted(call.seconds for call in self.calls if call.calls)
        return seconds[math.ceil(share * len(seconds)) - 1] if seconds else None


def latest_runs(session: Session, dag_id: str) -> list[int]:
    """
    Return the keys of the latest runs of a Dag.

    :param session: The database.
    :param dag_id: The Dag.
    """
    wanted = select(DagRun.id).where(DagRun.dag_id == dag_id).order_by(DagRun.id.desc()).limit(LATEST_RUNS)
    return list(session.scalars(wanted))


def calls_of(session: Session, runs: Sequence[int], task_id: str) -> Measured:
    """
    Return the latest calls of a task in some runs.

    :param session: The database.
    :param runs: The runs, as :func:`latest_runs` returns them.
    :param task_id: The task.
    """
    columns = (XComModel.run_id, XComModel.map_index, XComModel.value)
    wanted = (
        select(*columns)
        .where(XComModel.dag_run_id.in_(runs), XComModel.task_id == task_id, XComModel.key == CALL_RECORD_KEY)
        .order_by(XComModel.dag_run_id.desc(), XComModel.map_index)
        .limit(LATEST_CALLS)
    )
    found = [call for row in session.execute(wanted) for call in _read(row.run_id, row.map_index, row.value)]
    return Measured(tuple(sorted(found, key=lambda call: call.started_at, reverse=True)))


def _read(run_id: str, map_index: int, value: Any) -> Iterator[Call]:
    try:
        seen = msgspec.json.decode(value, type=_Glance) if isinstance(value, str) else msgspec.convert(value, _Glance)
    except (msgspec.ValidationError, msgspec.DecodeError):
        return  # Written by another version, or by somebody else: its own page says so.
    answered = None if seen.exchange is None else seen.exchange.answered
    error = seen.error
    yield Call(
        run_id=run_id,
        map_index=map_index,
        outcome=seen.outcome,
        started_at=seen.started_at,
        seconds=seen.seconds,
        method=None if seen.exchange is None else seen.exchange.sent.method,
        status=answered.status if answered else error.status if error else None,
        error=None if error is None else (error.message or error.type).partition("\n")[0],
        calls=seen.totals.calls,
        retries=seen.totals.retries,
        items=None if seen.many.items is None else (seen.many.ok, seen.many.failed),
    )


def measured_by_function(session: Session, functions: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Measured]:
    """
    Return the latest calls of some functions.

    :param session: The database.
    :param functions: Dag and task of each.
    """
    runs: dict[str, list[int]] = {}
    found: dict[tuple[str, str], Measured] = {}
    for dag_id, task_id in functions:
        if dag_id not in runs:
            runs[dag_id] = latest_runs(session, dag_id)
        found[dag_id, task_id] = calls_of(session, runs[dag_id], task_id) if runs[dag_id] else Measured()
    return found
