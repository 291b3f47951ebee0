"""Which completion events a run can see: the asset events that started it, and what its conf says instead."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn.events.address import is_completion_event
from airflow_provider_cloudfn.events.claim_check import with_payload
from airflow_provider_cloudfn.events.record import is_record
from airflow_provider_cloudfn.json_encoding import timestamp_text

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

__all__ = [
    "conf_payloads",
    "emitted_by_success",
    "event_ids",
    "record_of",
    "records_for",
    "scheduled_assets",
    "scheduled_names",
    "stored_record_of",
    "triggering_extras",
    "triggering_names",
    "triggering_records",
]

#: What Airflow's API puts into the extra of each event that somebody creates by it, or in the UI.
_BY_API: Final = "from_rest_api"


def triggering_extras(context: Context, name: str) -> list[Any]:
    """
    Return the extras of the asset events of that name that started the run, oldest first.

    :param context: The task's Airflow context.
    :param name: The asset's name.
    """
    return [_extra_of(event) for event in _events(context) if event.asset.name == name]


def triggering_records(context: Context) -> list[Mapping[str, Any]]:
    """
    Return every asset event that started the run as a completion record, oldest first; in a run by hand what its conf gives.

    An extra that is no record is itself the payload of one, whose metadata then says what Airflow knows.

    :param context: The task's Airflow context.
    """
    if records := [record_of(event) for event in _events(context)]:
        return records
    # As if an event that the Dag waits for had started the run.
    waited_for = scheduled_names(context.get("dag"))
    return [record for name, record in _given(context).items() if name in waited_for]


def records_for(context: Context, name: str) -> list[Mapping[str, Any]]:
    """
    Return the records of one event that started the run, oldest first; in a run by hand the one that its conf gives.

    :param context: The task's Airflow context.
    :param name: The event's name.
    """
    records = [record_of(event) for event in _events(context) if event.asset.name == name]
    given = _given(context)
    return records or ([given[name]] if name in given else [])


def event_ids(context: Context) -> tuple[str, ...]:
    """
    Return the ids of the events that started the run, by which a run that the same events start again is known.

    None where no event started it, or one of which nothing tells whether it is the same as another.

    :param context: The task's Airflow context.
    """
    ids = [_event_id(event) for event in _events(context)]
    found = [one for one in ids if one is not None]
    return tuple(sorted(found)) if len(found) == len(ids) else ()


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


def _given(context: Context) -> dict[str, Mapping[str, Any]]:
    """Return the events that a run by hand was given, as records by their names."""
    run: Any = context.get("dag_run")
    return {
        name: {"metadata": {"id": json.dumps([name, run.run_id]), "type": name, "source": "conf"}, "result": payload}
        for name, payload in conf_payloads(context).items()
    }


def triggering_names(context: Context) -> set[str]:
    """
    Return the names of the assets whose events started the run.

    :param context: The task's Airflow context.
    """
    return {event.asset.name for event in _events(context)}


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


def scheduled_names(dag: Any) -> frozenset[str]:
    """
    Return the names of the assets that a Dag is scheduled on, as far as its file says them.

    :param dag: A Dag as its file made it.
    """
    names = (getattr(asset, "name", None) for asset in scheduled_assets(dag))
    return frozenset(name for name in names if isinstance(name, str))


def _events(context: Context) -> list[Any]:
    dag_run = context.get("dag_run")
    events = list(getattr(dag_run, "consumed_asset_events", None) or [])
    # Emitted twice before the run was made, as by a Clear of the producer, it is still one event: the newest record counts.
    newest: dict[Any, Any] = {}
    for place, event in enumerate(sorted(events, key=lambda event: event.timestamp)):
        found = _event_id(event)
        key = place if found is None else (event.asset.name, found)
        newest.pop(key, None)
        newest[key] = event
    return list(newest.values())


def _event_id(event: Any) -> str | None:
    """Return what an event has in common with itself when it is emitted again, as after a Clear; None for nothing."""
    extra = _extra_of(event)
    if is_record(extra):
        found = extra["metadata"].get("id")
        return found if isinstance(found, str) and found else None
    if not is_completion_event(event.asset) or getattr(event, "source_aliases", None):
        return None
    if (partition := getattr(event, "partition_key", None)) is not None:
        # By its key a run is found; that of a task's own event outlasts the run that emitted it, as an id does.
        return json.dumps([event.asset.name, partition])
    if event.source_task_id is None:
        return None  # Somebody has created it by the API.
    source = (event.source_dag_id, event.source_run_id, event.source_task_id, event.source_map_index)
    return json.dumps([event.asset.name, *source])


def _extra_of(event: Any) -> Any:
    """Return the extra of an asset event without what Airflow adds; of a watcher's, which it wraps, what our trigger has made."""
    extra = event.extra
    if isinstance(extra, Mapping) and extra.get(_BY_API) is True and event.source_task_id is None:
        return {name: value for name, value in extra.items() if name != _BY_API}
    if not isinstance(extra, Mapping) or extra.keys() != {"from_trigger", "payload"}:
        return extra
    record = extra["payload"]
    if not isinstance(record, Mapping) or record.keys() != {"metadata", "result"}:
        return extra
    metadata = record["metadata"]
    # A trigger does not know whose watcher it is.
    return {**record, "metadata": {"type": event.asset.name, **metadata}} if isinstance(metadata, Mapping) else extra


def record_of(event: Any) -> Mapping[str, Any]:
    """
    Return an asset event as a completion record, as :func:`stored_record_of` does.

    A payload that lies in an object storage is read when it is asked for.

    :param event: What Airflow tells of the event.
    """
    return with_payload(stored_record_of(event))


def stored_record_of(event: Any) -> dict[str, Any]:
    """
    Return an asset event as a completion record, as Airflow has it; an extra that is no record is itself the payload of one.

    :param event: What Airflow tells of the event.
    """
    extra = _extra_of(event)
    if is_record(extra):
        return dict(extra)
    # What somebody has created by the API is nothing else's repetition: its time tells it from others.
    known = _event_id(event) or json.dumps([event.asset.name, timestamp_text(event.timestamp)])
    return {
        "metadata": {
            "id": known,
            "type": event.asset.name,
            "source": f"airflow/{event.source_dag_id}" if event.source_dag_id else event.asset.uri,
            "occurredAt": timestamp_text(event.timestamp),
            "dag_id": event.source_dag_id,
            "run_id": event.source_run_id,
            "task_id": event.source_task_id,
            "map_index": event.source_map_index,
        },
        "result": extra,
    }
