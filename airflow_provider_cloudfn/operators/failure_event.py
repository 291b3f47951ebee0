"""
The event of a step that has failed for good.

Airflow registers the events of a task that succeeds, and of no other: no callback and no listener on a worker can emit one.
So a small task behind the step does it, a teardown: it runs however the step ends, and the run is judged without it.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk import Asset, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from airflow_provider_cloudfn.authoring.value_checks import event_problem
from airflow_provider_cloudfn.events.asset import has_one_run_per_event
from airflow_provider_cloudfn.events.payload_schema import require_payload
from airflow_provider_cloudfn.events.record import CompletionRecord, TaskInstanceKey
from airflow_provider_cloudfn.events.run_events import event_ids
from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.operators.backfills import is_silent

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

__all__ = ["emit_when_failed"]

#: Instances of a mapped step that an event tells of.
_TOLD: Final = 100


def emit_when_failed(step: Any, event: Any, task_id: str | None = None) -> Any:
    """
    Emit an event when a step has failed for good: when no try is left, its worker was killed, or somebody marked it as failed.

    It adds a small task behind the step, which is skipped where the step did not fail. The event carries ``step`` and the
    ``failures``: of each instance its ``map_index``, and the ``error``'s class, ``status`` and ``request_id``, as far as the
    step's call record has them (``[cloudfn] call_records``); null where a worker was killed.

    :param step: The step: an operator, mapped or not, or what ``@task.cloudfn`` returned.
    :param event: A :class:`CompletionEvent`, or any asset. With ``one_run_per_event`` it has its id as partition key.
    :param task_id: The id of the task. Default: the step's, and ``_failed``.
    :returns: The task.
    :raises ConfigurationError: for what is no event, or no step.
    """
    if event is None or (problem := event_problem(event)) is not None:
        raise ConfigurationError(f"event: {'is missing' if event is None else problem}")
    operator = getattr(step, "operator", step)
    if not hasattr(operator, "task_id"):
        raise ConfigurationError(f"step: must be one step, such as a CloudFunctionOperator, not {type(step).__name__}")
    name = task_id or f"{operator.task_id.rpartition('.')[2]}_failed"
    arguments = (event.name, event.uri, operator.task_id, has_one_run_per_event(event))
    told: Any = task(task_id=name, outlets=[event])(tell_failure)(*arguments)
    told.operator.as_teardown()
    operator >> told
    return told.operator


def tell_failure(name: str, uri: str, step: str, has_run_for_each: bool) -> None:
    """
    Emit the event, where the step has failed.

    :param has_run_for_each: Whether the event has a run for each.
    :raises ConfigurationError: where the event's schema says that it carries something else.
    """
    context = get_current_context()
    failed = _failed(context, step)
    if not failed or is_silent(context):
        raise AirflowSkipException(f"step {step!r} has not failed" if not failed else "a backfill emits no events")
    instance: Any = context["ti"]
    failures = [{"map_index": index, **_error(instance, step, index)} for index in failed[:_TOLD]]
    left_out = {} if len(failed) <= _TOLD else {"failures_left_out": len(failed) - _TOLD}
    record = CompletionRecord.of(
        TaskInstanceKey(instance.dag_id, instance.run_id, step, instance.map_index),
        type=name,
        function=step,
        result={"step": step, "failures": failures, **left_out},
        occurred_at=dt.datetime.now(tz=dt.UTC),
        started_by=event_ids(context),
    )
    for outlet in context["task"].outlets:
        if (schema := getattr(outlet, "schema", None)) is not None:
            require_payload(schema, record.result, event=name)
    accessor: Any = context["outlet_events"][Asset(name=name, uri=uri)]
    accessor.extra = record.to_dict()
    if has_run_for_each:
        accessor.add_partitions(record.id)


def _failed(context: Context, step: str) -> list[int]:
    """Return the map indexes of the step's instances that have failed; in a mapped task group, of this one's own alone."""
    instance: Any = context["ti"]
    found = instance.get_task_states(dag_id=instance.dag_id, task_ids=[step], run_ids=[instance.run_id])
    states = found.get(instance.run_id, {})
    failed = sorted(
        -1 if name == step else int(name.rpartition("_")[2]) for name, state in states.items() if state == "failed"
    )
    return [index for index in failed if instance.map_index < 0 or index == instance.map_index]


def _error(instance: Any, step: str, map_index: int) -> dict[str, Any]:
    """Return what a failed instance says of its error in its call record; nulls where it left none."""
    from airflow_provider_cloudfn.records.call_record import CALL_RECORD_KEY, CallRecord

    pulled = instance.xcom_pull(task_ids=step, key=CALL_RECORD_KEY, map_indexes=map_index)
    try:
        error = None if pulled is None else CallRecord.from_dict(pulled).error
    except ConfigurationError:
        error = None  # Another version's, during an upgrade.
    if error is None:
        return {"error": None, "status": None, "request_id": None}
    return {"error": error.type, "status": error.status, "request_id": error.request_id}
