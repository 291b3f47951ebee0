"""
Events that started no run of a Dag, because it was paused or not there yet: each is queued as Airflow would have queued it.

The queue is Airflow's own, and its scheduler makes the runs: nothing in them differs from those of a Dag that was never paused.
"""

from __future__ import annotations

import datetime as dt
import inspect
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.orm import Session

__all__ = ["CaughtUp", "catch_up", "told"]

#: Events in one transaction: the Dag's row is locked for so long.
_PAGE: Final = 500
_LONG_AGO: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class CaughtUp(Struct, frozen=True, kw_only=True):
    """
    What was found of a Dag's events, by number.

    :param queued: Those that the scheduler makes runs of now; in a rehearsal, those that it would.
    :param unfit: Those that never start this Dag: without a partition key where its schedule wants one, or with one where not.
    :param too_old: Those that the scheduler does not reach: of before the newest run of a Dag whose events are merged.
    :param refused: Those that Airflow did not queue; its log, and its audit log, say why.
    :param is_paused: Whether the Dag is paused: then its runs begin when it is no longer.
    :param has_run_for_each: Whether its runs have partition keys, as with ``schedule=event.each()``.
    """

    queued: int = 0
    unfit: int = 0
    too_old: int = 0
    refused: int = 0
    is_paused: bool = False
    has_run_for_each: bool = False


def catch_up(dag_id: str, *, since: dt.datetime | None = None, dry_run: bool = False) -> CaughtUp:
    """
    Queue every event of a Dag's schedule that has no run of this Dag, and none that is being made.

    It can be interrupted, done again, and done by two at once: no event is queued twice.

    :param dag_id: The Dag.
    :param since: Only events from then on; aware.
    :param dry_run: Whether they are only counted.
    :raises ConfigurationError: for a Dag that Airflow does not have, or whose schedule has no assets, and on an Airflow that
        queues events in a way that is not known here.
    """
    from airflow.utils.session import create_session

    with create_session(scoped=False) as session:
        dag = _dag(session, dag_id)
        consumer = _Consumer(session, dag)
        asset_ids = consumer.asset_ids(session)
    queued = unfit = too_old = refused = 0
    until = dt.datetime.now(tz=dt.UTC)
    for asset_id in asset_ids:
        last = (since or _LONG_AGO, 0)
        while True:
            with create_session(scoped=False) as session:
                if not dry_run:
                    _lock(session, dag_id)
                page = _page(session, asset_id, last, until)
                missed = list(consumer.without_run(session, asset_id, page))
                fitting = [event for event in missed if (event.partition_key is not None) == consumer.has_run_for_each]
                reached = [event for event in fitting if consumer.reaches(event)]
                if not dry_run:
                    consumer.queue(session, reached)
                    session.flush()
                    left = len(list(consumer.without_run(session, asset_id, reached, as_found=False)))
                    refused += left
                    queued -= left
                queued += len(reached)
                unfit += len(missed) - len(fitting)
                too_old += len(fitting) - len(reached)
                if len(page) < _PAGE:
                    break
                last = (page[-1].timestamp, page[-1].id)
    return CaughtUp(
        queued=queued,
        unfit=unfit,
        too_old=too_old,
        refused=refused,
        is_paused=consumer.is_paused,
        has_run_for_each=consumer.has_run_for_each,
    )


def told(dag_id: str, found: CaughtUp, *, dry_run: bool) -> Iterator[str]:
    """
    Yield what was found in sentences.

    :param dag_id: The Dag.
    :param found: What was found.
    :param dry_run: Whether it was only counted.
    """
    if found.queued == 0:
        yield f"No event waits for a run of {dag_id}."
    elif dry_run:
        yield f"{_events(found.queued)} without a run of {dag_id}: to catch up lets the scheduler make their runs."
    else:
        yield f"{_events(found.queued)} queued: the scheduler makes their runs."
    if found.unfit:
        yield (
            f"{found.unfit:,} more have no partition key, and start no run of a Dag with .each(): trigger it by hand"
            if found.has_run_for_each
            else f"{found.unfit:,} more have a partition key, and start only Dags with schedule=<the event>.each()"
        )
    if found.too_old:
        yield (
            f"{found.too_old:,} more are older than what the scheduler looks back to, because the Dag has run since, or was not "
            "there yet: trigger it by hand, with their payload in its conf"
        )
    if found.refused:
        yield f"{found.refused:,} more were not queued: Airflow's audit log says why"
    if found.is_paused and found.queued:
        yield f"{dag_id} is paused: its runs begin when you unpause it. Events that come until then need this once more."


def _events(count: int) -> str:
    return "1 event is" if count == 1 else f"{count:,} events are"


class _Consumer:
    """A Dag that is scheduled on assets, and how Airflow queues their events for it."""

    def __init__(self, session: Session, dag: Any) -> None:
        from airflow.models.asset import AssetDagRunQueue

        self.dag_id: str = dag.dag_id
        self.is_paused = bool(dag.is_paused)
        self.has_run_for_each = bool(getattr(dag, "timetable_partitioned", False))
        #: From Airflow 3.4 on each event is queued; before, each asset is, and a run takes what is newer than the last.
        self._queues_events = hasattr(AssetDagRunQueue, "asset_event_id")
        self._floor = _LONG_AGO
        #: Until when the run that each asset was queued for takes events, as it was found; None where there was no such run.
        self._taken_until: dict[int, dt.datetime | None] = {}
        if not self.has_run_for_each and not self._queues_events:
            self._floor = _floor(session, dag.dag_id)

    def asset_ids(self, session: Session) -> list[int]:
        """Return the assets whose events start this Dag: those of its schedule, and those that one there refers to."""
        from airflow.models.asset import (
            AssetModel,
            DagScheduleAssetNameReference,
            DagScheduleAssetReference,
            DagScheduleAssetUriReference,
        )
        from sqlalchemy import or_, select

        ours = {"dag_id": self.dag_id}
        found = set(session.scalars(select(DagScheduleAssetReference.asset_id).filter_by(**ours)))
        names = session.scalars(select(DagScheduleAssetNameReference.name).filter_by(**ours)).all()
        uris = session.scalars(select(DagScheduleAssetUriReference.uri).filter_by(**ours)).all()
        if (names or uris) and not self.has_run_for_each and not self._queues_events:
            raise ConfigurationError(
                f"Dag {self.dag_id!r} is scheduled on Asset.ref(…), and this Airflow gives such a run none of its events: "
                "nobody knows which have had one. Write the event itself in the schedule, or <the event>.each()"
            )
        if not (found or names or uris):
            raise ConfigurationError(
                f"Dag {self.dag_id!r} is scheduled on no event: only one with schedule=<the event>.each() or "
                "schedule=[<the event>] can catch up"
            )
        referred = select(AssetModel.id).where(or_(AssetModel.name.in_(names), AssetModel.uri.in_(uris)))
        return sorted(found.union(session.scalars(referred)))

    def without_run(
        self, session: Session, asset_id: int, events: Sequence[Any], *, as_found: bool = True
    ) -> Iterator[Any]:
        """Yield those of the events of an asset that have no run of this Dag, and are not queued for one, or were not before."""
        from airflow.models.asset import AssetDagRunQueue, AssetEvent
        from airflow.models.dagrun import DagRun
        from sqlalchemy import select

        ids = [event.id for event in events]
        of_this_dag = AssetEvent.created_dagruns.any(DagRun.dag_id == self.dag_id)
        known = set(session.scalars(select(AssetEvent.id).where(AssetEvent.id.in_(ids), of_this_dag)))
        if self.has_run_for_each:
            from airflow.models.asset import PartitionedAssetKeyLog

            # It outlasts the run: one that somebody deleted is not made again.
            logged = select(PartitionedAssetKeyLog.asset_event_id).filter_by(target_dag_id=self.dag_id)
            known.update(session.scalars(logged.where(PartitionedAssetKeyLog.asset_event_id.in_(ids))))
        else:
            waiting = select(AssetDagRunQueue).filter_by(target_dag_id=self.dag_id, asset_id=asset_id)
            if self._queues_events:
                of_these = waiting.where(AssetDagRunQueue.asset_event_id.in_(ids))
                known.update(row.asset_event_id for row in session.scalars(of_these))
            else:
                row = session.scalar(waiting)
                now = None if row is None else row.created_at
                # What the first page has queued takes the events of all others too.
                before = self._taken_until.setdefault(asset_id, now)
                # The run takes what came until then; what came since would wait for the next event.
                if (end := before if as_found else now) is not None:
                    known.update(event.id for event in events if self.reaches(event) and event.timestamp <= end)
        yield from (event for event in events if event.id not in known)

    def reaches(self, event: Any) -> bool:
        """Return whether the scheduler's next run takes an event."""
        return bool(event.timestamp > self._floor)

    def queue(self, session: Session, events: Sequence[Any]) -> None:
        """Queue events for this Dag, as Airflow does when one comes."""
        from airflow.assets.manager import asset_manager
        from airflow.models.dag import DagModel

        if not events:
            return
        if (queue := getattr(asset_manager, "_queue_dagruns", None)) is None:
            raise ConfigurationError("this version of Airflow queues events in a way that is not known here")
        taken = inspect.signature(queue).parameters
        dag = session.get(DagModel, self.dag_id)
        for event in events:
            run = event.source_dag_run
            arguments = {
                "asset_id": event.asset_id,
                "dags_to_queue": {dag},
                "partition_key": event.partition_key,
                "partition_date": getattr(run, "partition_date", None),
                "event": event,
                "task_instance": None,
                "session": session,
            }
            queue(**{name: value for name, value in arguments.items() if name in taken})
            if not self.has_run_for_each and not self._queues_events:
                self._take_all(session, event.asset_id)
                return

    def _take_all(self, session: Session, asset_id: int) -> None:
        """Let the run that an asset is queued for take all that has come until now."""
        from airflow.models.asset import AssetDagRunQueue
        from sqlalchemy import update

        row = update(AssetDagRunQueue).filter_by(target_dag_id=self.dag_id, asset_id=asset_id)
        now = dt.datetime.now(tz=dt.UTC)
        session.execute(row.values(created_at=now).execution_options(synchronize_session="fetch"))


def _dag(session: Session, dag_id: str) -> Any:
    from airflow.models.dag import DagModel
    from airflow.sdk import conf

    # Which teams may see an event is decided when it comes, and not written down.
    if conf.getboolean("core", "multi_team", fallback=False):
        raise ConfigurationError(
            "[core] multi_team is on, and who may see an event of the past is not known: trigger the Dag by hand"
        )
    if (dag := session.get(DagModel, dag_id)) is None:
        raise ConfigurationError(f"Airflow has no Dag {dag_id!r}: check the name, or wait until its file is parsed")
    return dag


def _lock(session: Session, dag_id: str) -> None:
    """Let nobody else catch up, nor the scheduler make a run, until the transaction ends; SQLite has this lock only."""
    from airflow.models.dag import DagModel
    from sqlalchemy import update

    same = update(DagModel).where(DagModel.dag_id == dag_id).values(dag_id=DagModel.dag_id)
    session.execute(same.execution_options(synchronize_session=False))


def _page(session: Session, asset_id: int, last: tuple[dt.datetime, int], until: dt.datetime) -> Sequence[Any]:
    """Return the next events of an asset, oldest first: by what Airflow has an index for."""
    from airflow.models.asset import AssetEvent
    from sqlalchemy import and_, or_, select

    moment, number = last
    later = or_(AssetEvent.timestamp > moment, and_(AssetEvent.timestamp == moment, AssetEvent.id > number))
    wanted = select(AssetEvent).where(
        AssetEvent.asset_id == asset_id, AssetEvent.timestamp >= moment, AssetEvent.timestamp <= until, later
    )
    return session.scalars(wanted.order_by(AssetEvent.timestamp, AssetEvent.id).limit(_PAGE)).all()


def _floor(session: Session, dag_id: str) -> dt.datetime:
    """Return from when on the scheduler of Airflow 3.3 looks for the events of a Dag's next run."""
    from airflow.models.asset import DagScheduleAssetReference
    from airflow.models.dagrun import DagRun
    from airflow.models.serialized_dag import SerializedDagModel
    from sqlalchemy import func, select

    of_runs = select(func.max(DagRun.run_after)).filter_by(dag_id=dag_id, run_type="asset_triggered")
    if (newest := session.scalar(of_runs)) is not None:
        return newest
    serialized = SerializedDagModel.get(dag_id, session=session)
    if serialized is not None and serialized.dag.catchup:
        return _LONG_AGO
    first = select(func.min(DagScheduleAssetReference.created_at)).filter_by(dag_id=dag_id)
    return session.scalar(first) or _LONG_AGO
