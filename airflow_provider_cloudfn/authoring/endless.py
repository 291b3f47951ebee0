"""A Dag that starts itself again with every run: nothing in Airflow ends that, and each of its calls may cost money."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.authoring.emit import SEVERAL_EVENTS, emit_of, event_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from airflow_provider_cloudfn.authoring.task import AuthoredTask

__all__ = ["endless_problems"]


def endless_problems(dag: Any, ours: Iterable[AuthoredTask]) -> Iterator[str]:
    """
    Yield a sentence for each event that surely starts its own Dag again.

    What may end is left alone: a step that emits on a condition, is mapped, waits, or stands behind a task that can skip it.

    :param dag: A Dag with a schedule on assets.
    """
    sure = {task.task_id: task for task in ours if _always_succeeds(task)}
    for task in sure.values():
        again = [
            event.name
            for event in task.emitted_events
            if _is_unconditional(task, event.name) and _fires_alone(dag.timetable.asset_condition, event.uri)
        ]
        before = task.ancestry.all_before(task.task_id) if again and task.ancestry is not None else ()
        if all(task_id in sure for task_id in before):
            for name in again:
                yield (
                    f"{task.task_id}: each run emits {name!r}, which starts this Dag again, and so on without end: say with "
                    "emit_when= when it goes on, or emit another event"
                )


def _always_succeeds(task: AuthoredTask) -> bool:
    """Return whether a task comes to its end in every run in which nothing fails."""
    plain = task.is_ours and task.has_no_own_code and not task.is_mapped and not getattr(task.kind, "_is_sensor", False)
    given = task.arguments
    return (
        plain
        and given.get("wait_for") is None
        and given.get("_pre_execute_hook") is None
        and str(getattr(task.task.trigger_rule, "value", task.task.trigger_rule)) == "all_success"
        and not task.task.is_teardown
    )


def _is_unconditional(task: AuthoredTask, name: str) -> bool:
    """Return whether a task emits an event whenever it succeeds."""
    given = task.arguments
    if (own := task.completion_event) is not None and own.name == name:
        return given.get("emit_when") is None
    several: Mapping[Any, Any] = given.get(SEVERAL_EVENTS) or {}
    return any(event_name(event) == name and emit_of(written).when is None for event, written in several.items())


def _fires_alone(condition: Any, uri: str) -> bool:
    """Return whether events of one asset are enough for a schedule."""
    parts = getattr(condition, "objects", None)
    if parts is None:
        return getattr(condition, "uri", None) == uri
    # Its class is another one in a timetable of Airflow's core.
    enough = any if type(condition).__name__.endswith("Any") else all
    return bool(parts) and enough(_fires_alone(part, uri) for part in parts)
