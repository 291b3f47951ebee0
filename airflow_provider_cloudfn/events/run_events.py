"""Which completion events a run can see: the asset events that started it, and what its conf says instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.events.record import is_record
from airflow_provider_cloudfn.json_encoding import timestamp_text

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

__all__ = [
    "asset_names",
    "conf_payloads",
    "emitted_by_success",
    "records_for",
    "scheduled_assets",
    "triggering_extras",
    "triggering_records",
]


def triggering_extras(context: Context, name: str) -> list[Any]:
    """
    Return the extras of the asset events of that name that started the run, oldest first.

    :param context: The task's Airflow context.
    :param name: The asset's name.
    """
    return [event.extra for event in _events(context) if event.asset.name == name]


def triggering_records(context: Context) -> list[dict[str, Any]]:
    """
    Return every asset event that started the run as a completion record, oldest first.

    An extra that is no record is itself the payload of one, whose metadata then says what Airflow knows.

    :param context: The task's Airflow context.
    """
    return [_record(event) for event in _events(context)]


def records_for(context: Context, name: str) -> list[dict[str, Any]]:
    """
    Return the records of one event that started the run, oldest first; in a run by hand the one that its conf gives.

    :param context: The task's Airflow context.
    :param name: The event's name.
    """
    records = [_record(event) for event in _events(context) if event.asset.name == name]
    given = conf_payloads(context)
    if not records and name in given:
        return [{"metadata": {"type": name, "source": "conf"}, "result": given[name]}]
    return records


def emitted_by_success(records: Sequence[Any], task_id: str, context: Context) -> list[Any]:
    """
    Return the records that steps of this run left and that are events: those of task instances that succeeded.

    A step leaves its record before Airflow knows how it ends. What fails after that, in ``post_execute`` or when its XCom is
    pushed, has emitted nothing; a step with another trigger rule than ``all_success`` would find the record all the same.

    :param records: What the instances of one step left.
    :param task_id: The step.
    :param context: The reading task's Airflow context.
    """
    if not records:
        return []
    instance: Any = context["ti"]
    found = instance.get_task_states(dag_id=instance.dag_id, task_ids=[task_id], run_ids=[instance.run_id])
    states: Mapping[str, Any] = found.get(instance.run_id, {})
    return [record for record in records if states.get(_instance_name(record, task_id)) == "success"]


def _instance_name(record: Any, task_id: str) -> str:
    """Return how Airflow calls the task instance of a record among the states of its task."""
    map_index = record["metadata"].get("map_index", -1) if is_record(record) else -1
    return task_id if map_index < 0 else f"{task_id}_{map_index}"


def conf_payloads(context: Context) -> Mapping[str, Any]:
    """
    Return the payloads that a run by hand was given: ``{"context": {"<event>": …}}`` in its conf.

    :param context: The task's Airflow context.
    """
    conf = getattr(context.get("dag_run"), "conf", None)
    given = conf.get("context") if isinstance(conf, Mapping) else None
    return given if isinstance(given, Mapping) else {}


def asset_names(context: Context) -> set[str]:
    """
    Return the names of the assets that the Dag is scheduled on, or that started this run.

    :param context: The task's Airflow context.
    """
    names = {event.asset.name for event in _events(context)}
    names.update(asset.name for asset in scheduled_assets(context.get("dag")) if hasattr(asset, "name"))
    return names


def scheduled_assets(dag: Any) -> list[Any]:
    """
    Return the assets, asset references and aliases that a Dag is scheduled on.

    :param dag: A Dag as its file made it.
    """
    condition = getattr(getattr(dag, "timetable", None), "asset_condition", None)
    waiting = [] if condition is None else [condition]
    found: list[Any] = []
    while waiting:
        part = waiting.pop()
        parts = getattr(part, "objects", None)
        if parts is None:
            found.append(part)
        else:
            waiting.extend(parts)
    return found


def _events(context: Context) -> list[Any]:
    dag_run = context.get("dag_run")
    events = list(getattr(dag_run, "consumed_asset_events", None) or [])
    # Emitted twice before the run was made, as by a Clear of the producer, it is still one event: the newest record counts.
    newest: dict[Any, Any] = {}
    for place, event in enumerate(sorted(events, key=lambda event: event.timestamp)):
        found = event.extra["metadata"].get("id") if is_record(event.extra) else None
        key = (event.asset.name, found) if isinstance(found, str) else place
        newest.pop(key, None)
        newest[key] = event
    return list(newest.values())


def _record(event: Any) -> dict[str, Any]:
    if is_record(event.extra):
        return dict(event.extra)
    return {
        "metadata": {
            "type": event.asset.name,
            "source": f"airflow/{event.source_dag_id}" if event.source_dag_id else event.asset.uri,
            "occurredAt": timestamp_text(event.timestamp),
            "dag_id": event.source_dag_id,
            "run_id": event.source_run_id,
            "task_id": event.source_task_id,
            "map_index": event.source_map_index,
        },
        "result": event.extra,
    }
