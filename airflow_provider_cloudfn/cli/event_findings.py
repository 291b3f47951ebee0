"""What can only be seen over many Dags: events that nobody emits or waits for, and those that never start their consumer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from airflow_provider_cloudfn.authoring.emit import SEVERAL_EVENTS
from airflow_provider_cloudfn.authoring.options import formulas_of
from airflow_provider_cloudfn.events.address import is_completion_event
from airflow_provider_cloudfn.events.asset import CompletionEvent, has_one_run_per_event
from airflow_provider_cloudfn.events.run_events import scheduled_assets
from airflow_provider_cloudfn.exceptions import nearest_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_provider_cloudfn.authoring.task import AuthoredTask

__all__ = ["EventFinding", "event_findings"]


class EventFinding(Struct, frozen=True):
    """
    Something about an event.

    :param dag: The Dag that waits for the event, or emits it.
    :param task_id: The task that emits it; None where it is about a schedule.
    :param field: ``schedule``, ``completion_event`` or ``outlets``.
    :param message: What is wrong, and what to do.
    :param is_certain: Whether it is wrong; otherwise another deployment, or the API, may do its part.
    """

    dag: Any
    task_id: str | None
    field: str
    message: str
    is_certain: bool = True


class _Waiting(Struct, frozen=True):
    dag: Any
    asset: Any
    is_each: bool


class _Emitting(Struct, frozen=True):
    dag: Any
    task: AuthoredTask
    asset: Any

    @property
    def is_single(self) -> bool:
        return has_one_run_per_event(self.asset)

    def finding(self, message: str, *, is_certain: bool = True) -> EventFinding:
        own = "completion_event" if self.asset == self.task.completion_event else SEVERAL_EVENTS
        field = own if self.asset.name in self.task.event_names else "outlets"
        return EventFinding(self.dag, self.task.task_id, field, message, is_certain)


def event_findings(tasks: Iterable[tuple[Any, AuthoredTask]], dags: Iterable[Any]) -> Iterator[EventFinding]:
    """
    Yield what is wrong between the Dags that emit events and those that wait for them.

    :param tasks: All tasks, each with its Dag.
    :param dags: All Dags.
    """
    found = list(tasks)
    emitting = [_Emitting(dag, task, asset) for dag, task in found for asset in task.task.outlets or ()]
    waiting = [
        _Waiting(dag, asset, bool(getattr(dag.timetable, "default_partition_mapper", None)))
        for dag in dags
        for asset in scheduled_assets(dag)
    ]
    awaited = {_uri(one.asset) for one in waiting}
    unawaited = [one for one in emitting if is_completion_event(one.asset) and _uri(one.asset) not in awaited]
    for consumer in waiting:
        if (finding := _of_schedule(consumer, emitting, {one.asset.name for one in unawaited})) is not None:
            yield finding
    paused = _paused({one.dag.dag_id for one in waiting if is_completion_event(one.asset)})
    for dag in {one.dag.dag_id: one.dag for one in waiting if one.dag.dag_id in paused}.values():
        message = "this Dag is paused, and Airflow keeps no event for a paused Dag: unpause it before its first event"
        yield EventFinding(dag, None, "schedule", message, is_certain=False)
    read_here = "\n".join(_expressions(task for _, task in found if task.is_ours))
    by_name = {str(getattr(one.asset, "name", "")) for one in waiting}
    # What waits for an event in the middle of a Dag has it among its inlets.
    by_name |= {str(getattr(inlet, "name", "")) for _, task in found for inlet in task.task.inlets or ()}
    for producer in unawaited:
        name = producer.asset.name
        if name not in by_name and name not in read_here:
            yield producer.finding(f"nothing here is scheduled on {name!r}, and no step reads it", is_certain=False)


def _of_schedule(consumer: _Waiting, emitting: list[_Emitting], unawaited: set[str]) -> EventFinding | None:
    """Return what keeps an event from starting its consumer, None where nothing does."""
    name = getattr(consumer.asset, "name", None)
    if name is None:  # an alias, or a reference by URI
        return None
    producers = [one for one in emitting if _uri(one.asset) == _uri(consumer.asset)]
    if any(one.is_single for one in producers) and not consumer.is_each:
        return _schedule(
            consumer,
            f"{name!r} is emitted with one_run_per_event=True, and an ordinary schedule never fires for such an event: declare "
            "the event once, in a module that both Dags import, and write schedule=<the event>.each()",
        )
    # A task with code of its own can call add_partitions.
    ordinary = [one for one in producers if isinstance(one.asset, CompletionEvent) and one.task.is_ours]
    if consumer.is_each and ordinary and not any(one.is_single for one in producers):
        return _schedule(
            consumer,
            f"{name!r} is emitted without one_run_per_event, and .each() never fires for such an event: declare the event once, "
            "with one_run_per_event=True, in a module that both Dags import",
        )
    if producers:
        return None
    if any(one.asset.name == name for one in emitting if is_completion_event(one.asset)):
        is_reference = getattr(consumer.asset, "uri", None) is None
        message = f"{name!r} is an asset of that name, and what is emitted is a completion event: write CompletionEvent({name!r})"
        return None if is_reference else _schedule(consumer, message)
    # A watcher of its own emits it, from the triggerer.
    if not is_completion_event(consumer.asset) or getattr(consumer.asset, "watchers", None):
        return None
    near = nearest_name(name, sorted(unawaited))
    message = f"nothing here emits {name!r}" + (f"; did you mean {near!r}?" if near else "")
    return _schedule(consumer, message, is_certain=near is not None)


def _schedule(consumer: _Waiting, message: str, *, is_certain: bool = True) -> EventFinding:
    return EventFinding(consumer.dag, None, "schedule", message, is_certain)


def _paused(dag_ids: set[str]) -> set[str]:
    """Return which Dags are paused, as far as there is a database that says so: a check in CI has none."""
    if not dag_ids:
        return set()
    try:
        from airflow.models.dag import DagModel
        from airflow.utils.session import create_session
        from sqlalchemy import select

        with create_session(scoped=False) as session:
            return set(session.scalars(select(DagModel.dag_id).where(DagModel.is_paused, DagModel.dag_id.in_(dag_ids))))
    except Exception:  # no database, an empty one, or that of another Airflow
        return set()


def _uri(asset: Any) -> str | None:
    """Return what tells an asset from others: a timetable holds it as it will be serialized, which equals no other."""
    return getattr(asset, "uri", None)


def _expressions(tasks: Iterable[AuthoredTask]) -> Iterator[str]:
    for task in tasks:
        yield from (formula.source for _, formula in formulas_of(task))
