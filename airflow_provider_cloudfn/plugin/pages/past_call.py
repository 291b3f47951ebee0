"""All that Airflow knows of one call: its record, what was written and what it became, the event and the runs that it started."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, ClassVar, Final

import msgspec
from airflow.models.asset import AssetEvent, AssetModel
from airflow.models.renderedtifields import RenderedTaskInstanceFields
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from sqlalchemy import select

from airflow_provider_cloudfn.auth.redacted import Redacted
from airflow_provider_cloudfn.authoring.airflow_masker import masked
from airflow_provider_cloudfn.events.address import event_uri
from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.journal.kept_batch import batch_of, rows_of_batch
from airflow_provider_cloudfn.plugin.pages.catalogue import as_written
from airflow_provider_cloudfn.plugin.pages.rendering import pretty
from airflow_provider_cloudfn.records.call_record import CALL_RECORD_KEY, CallRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from airflow_provider_cloudfn.journal.entries import BatchEntry

__all__ = ["Emitted", "Field", "PastCall", "StartedRun", "emitted_of", "past_call"]

#: How many emissions of one instance's events are shown, and how many runs of each.
_EMITTED: Final = 20
_STARTED: Final = 50
#: Clocks of machines are not quite the same.
_CLOCKS: Final = dt.timedelta(minutes=1)
#: Fields that say nothing where they are as they mostly are.
_MOSTLY: Final[dict[str, Any]] = {"idempotency_key": False, "op_args": [], "op_kwargs": {}}


class Field(Redacted, frozen=True):
    """
    A parameter.

    :param name: Its name.
    :param written: As it stands in the Dag.
    :param value: What it became in the run; None where Airflow has kept nothing.
    """

    _hidden: ClassVar = frozenset({"value"})

    name: str
    written: str
    value: str | None = None


class StartedRun(msgspec.Struct, frozen=True):
    """
    A run that an event started.

    :param dag_id: Its Dag.
    :param run_id: Its id.
    :param state: How far it is.
    """

    dag_id: str
    run_id: str
    state: str


class Emitted(msgspec.Struct, frozen=True):
    """
    An event that was emitted.

    :param event: The event's name.
    :param when: When.
    :param payload: What it carries.
    :param runs: The runs that it started, of the Dags that the reader may see.
    :param hidden: How many runs of other Dags it started.
    :param source: Dag, run, task and map index of what emitted it; None where it came from outside.
    """

    event: str
    when: dt.datetime
    payload: str
    runs: tuple[StartedRun, ...] = ()
    hidden: int = 0
    source: tuple[str, str, str, int] | None = None


class PastCall(msgspec.Struct, frozen=True, kw_only=True):
    """
    A call that a task instance has made, or is making.

    :param state: The task instance's state.
    :param try_number: Its try.
    :param started_at: When the task instance was started.
    :param record: What it has left; None where it has left nothing.
    :param unreadable: Why its record can't be read.
    :param fields: What was written, and what it became.
    :param batch: How far its batch got.
    :param emitted: Its completion events.
    """

    state: str
    try_number: int
    started_at: dt.datetime | None = None
    record: CallRecord | None = None
    unreadable: str | None = None
    fields: tuple[Field, ...] = ()
    batch: BatchEntry | None = None
    emitted: tuple[Emitted, ...] = ()


def past_call(
    dag_id: str, run_id: str, task_id: str, map_index: int, *, events: Sequence[str], readable: set[str]
) -> PastCall | None:
    """
    Return a call; None where there is no such task instance.

    :param dag_id: The Dag.
    :param run_id: The run.
    :param task_id: The task.
    :param map_index: Which instance of a mapped task; -1 where it is not mapped.
    :param events: The names of the completion events that the task declares.
    :param readable: The Dags that the reader may see.
    """
    named: dict[str, Any] = {"dag_id": dag_id, "run_id": run_id, "task_id": task_id, "map_index": map_index}
    with create_session(scoped=False) as session:
        instance = session.scalar(select(TaskInstance).filter_by(**named))
        if instance is None:
            return None
        row = session.scalar(select(XComModel).filter_by(**named, key=CALL_RECORD_KEY))
        kept = None if row is None else XComModel.deserialize_value(row)
        record, unreadable = _record(kept)
        since = instance.start_date or (record.started_at if record else None)
        emitted: tuple[Emitted, ...] = ()
        if since is not None and events:
            emitted = _emitted(session, events, named, since - _CLOCKS, readable)
        rendered = RenderedTaskInstanceFields.get_templated_fields(instance, session=session) or {}
        state, try_number, version = str(instance.state or "none"), instance.try_number, instance.dag_version_id
    written = as_written(version, task_id)
    return PastCall(
        state=state,
        try_number=try_number,
        started_at=since,
        record=record,
        unreadable=unreadable,
        fields=tuple(_field(name, value, rendered.get(name)) for name, value in written.items() if _says(name, value)),
        batch=_batch(**named) if "for_each" in written else None,
        emitted=emitted,
    )


def emitted_of(event: AssetEvent, readable: set[str]) -> Emitted:
    """
    Return an asset event with the runs that it started.

    :param event: The event, in its session.
    :param readable: The Dags that the reader may see.
    """
    runs = [(run.dag_id, run.run_id, str(run.state)) for run in event.created_dagruns[:_STARTED]]
    seen = tuple(StartedRun(*run) for run in runs if run[0] in readable)
    source = None
    if event.source_dag_id and event.source_run_id and event.source_task_id:
        index = -1 if event.source_map_index is None else event.source_map_index
        source = (event.source_dag_id, event.source_run_id, event.source_task_id, index)
    return Emitted(
        event=event.name,
        when=event.timestamp,
        payload=_shown(event.extra or {}, "payload"),
        runs=seen,
        hidden=len(runs) - len(seen),
        source=source,
    )


def _record(kept: Any) -> tuple[CallRecord | None, str | None]:
    if kept is None:
        return None, None
    try:
        return CallRecord.from_dict(kept), None
    except ConfigurationError as error:
        return None, str(error)


def _emitted(
    session: Session, events: Sequence[str], source: dict[str, Any], since: dt.datetime, readable: set[str]
) -> tuple[Emitted, ...]:
    assets = select(AssetModel.id).where(AssetModel.name.in_(events), AssetModel.uri.in_(map(event_uri, events)))
    # By asset and time, which there is an index on; there is none on what emitted it.
    wanted = (
        select(AssetEvent)
        .where(AssetEvent.asset_id.in_(assets), AssetEvent.timestamp >= since)
        .filter_by(**{f"source_{name}": value for name, value in source.items()})
        .order_by(AssetEvent.timestamp)
        .limit(_EMITTED)
    )
    return tuple(emitted_of(event, readable) for event in session.scalars(wanted))


def _batch(dag_id: str, run_id: str, task_id: str, map_index: int) -> BatchEntry | None:
    try:
        return batch_of(rows_of_batch(dag_id, task_id, run_id, map_index))
    except ConfigurationError:
        return None  # The record tells of a batch that is done; before Airflow 3.3 nothing does while it runs.


def _says(name: str, written: Any) -> bool:
    return name not in _MOSTLY or written != _MOSTLY[name]


def _field(name: str, written: Any, value: Any) -> Field:
    return Field(name, _shown(written, name), None if value is None else _shown(value, name))


def _shown(value: Any, name: str) -> str:
    """Return a value as Airflow shows it, with what its name says is a secret as ``***``."""
    return pretty(masked(value, name))
