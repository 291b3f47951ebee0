"""The ids of what a running task does: the same on every try, and for all runs that one event starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_cloudfn.events.record import TaskInstanceKey
from airflow_provider_cloudfn.events.run_events import event_ids

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.sdk.definitions.context import Context

__all__ = ["stable_id", "stable_ids", "task_instance_key"]


def task_instance_key(context: Context) -> TaskInstanceKey:
    """Return what names the running task instance over all its tries."""
    instance = context["ti"]
    map_index = instance.map_index
    return TaskInstanceKey(
        dag_id=instance.dag_id,
        run_id=instance.run_id,
        task_id=instance.task_id,
        map_index=-1 if map_index is None else map_index,
    )


def stable_id(context: Context, purpose: str, place: str | None = None) -> str:
    """
    Return the id of what the running task does: one for each event that started the run, and else for the task instance.

    :param purpose: What it is for, such as ``idempotency_key``.
    :param place: What stands for the map index, where the author says what.
    """
    return stable_ids(context, purpose)(place)


def stable_ids(context: Context, purpose: str) -> Callable[[str | None], str]:
    """
    Return what gives the ids of :func:`stable_id`, for many places.

    :param purpose: As of :func:`stable_id`.
    """
    key, events = task_instance_key(context), event_ids(context)
    return lambda place: key.stable_id(purpose, started_by=events, place=place)
