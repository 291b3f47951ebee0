"""The completion events of a step that is done: whether each is emitted, under which partition key, and what it carries."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from airflow_provider_cloudfn.authoring.emit import emit_of, label_of
from airflow_provider_cloudfn.authoring.options import EVENT_PARAMETERS
from airflow_provider_cloudfn.authoring.stable_ids import task_instance_key
from airflow_provider_cloudfn.client.sink import unwritable
from airflow_provider_cloudfn.events.asset import has_one_run_per_event, with_asset
from airflow_provider_cloudfn.events.claim_check import event_storage, put_aside
from airflow_provider_cloudfn.events.payload_schema import require_payload
from airflow_provider_cloudfn.events.record import RECORD_KEY, CompletionRecord
from airflow_provider_cloudfn.events.run_events import event_ids
from airflow_provider_cloudfn.events.size_limit import event_limit, is_too_large
from airflow_provider_cloudfn.exceptions import ConfigurationError, ExpressionError
from airflow_provider_cloudfn.journal.outage import outlast
from airflow_provider_cloudfn.operators.backfills import is_silent
from airflow_provider_cloudfn.operators.key_text import key_text
from airflow_provider_cloudfn.operators.outlets import as_event, without_event
from airflow_provider_cloudfn.operators.storable import require_event, xcom_limit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.sdk import Asset
    from airflow.sdk.definitions.context import Context

    from airflow_provider_cloudfn.authoring.variables import TaskVariables
    from airflow_provider_cloudfn.operators.base import ExpressionOperator

__all__ = ["complete", "require_options"]

#: Characters of a partition key: as many as Airflow's database has room for.
_LONGEST_KEY: Final = 250


class _Emission(Struct, frozen=True):
    """
    One event of a step.

    :param event: The event.
    :param payload: What names the parameter that says what it carries; None for what the step returns.
    :param when: The same of the one that says whether it is emitted; None for always.
    :param key: The same of its partition key; None for its id.
    """

    event: Asset
    payload: str | None
    when: str | None
    key: str | None


def require_options(task: ExpressionOperator, context: Context) -> None:
    """
    Refuse an option of the configuration that is none before the call: after it, its answer would be lost.

    :raises ConfigurationError: for such a one that the step needs.
    """
    xcom_limit()
    if task.completion_event is not None or task.completion_events:
        event_limit()
        event_storage()
        is_silent(context)


def complete(task: ExpressionOperator, context: Context, *, result: Any, variables: TaskVariables) -> None:
    """
    Emit the completion events of a step that it declares and wants: into XCom and as the asset events' extras.

    Airflow registers the asset event when it takes the task's success, so a task that fails after this emits none; its
    record in XCom is passed over by those who read it: see
    :func:`~airflow_provider_cloudfn.events.run_events.emitted_by_success`.

    :param result: What the step returns.
    :raises ExpressionError: for what an expression gives that no event can have.
    :raises LimitError: for a payload that is too large.
    """
    made: list[tuple[_Emission, CompletionRecord, str | None]] = []
    # All of them before the first is emitted: what is wrong with the second is told while there is none.
    for emission in _emissions(task):
        name = emission.event.name
        if emission.when is not None and not task.truth_after_call(emission.when, variables):
            task.outlets = without_event(task.outlets, emission.event)
            task.log.info(
                "Completed %s: event %s is not emitted, because %s is false", task._called(), name, emission.when
            )
            continue
        record = _record(task, emission, context, result=result, variables=variables)
        made.append((emission, record, _partition_key(task, emission, record, variables)))
    if not made:
        return
    # A record of a call names one event: the first.
    task.recorder.event, task.recorder.event_id = made[0][1].type, made[0][1].id
    written = [record.to_dict() for _, record, _ in made]
    left = written if task.completion_events else written[0]
    instance = context["ti"]
    outlast(
        lambda: instance.xcom_push(key=RECORD_KEY, value=left),
        "the record of a call that was carried out",
        task.log,
    )
    for (emission, record, key), extra in zip(made, written, strict=True):
        if is_silent(context):
            task.outlets = without_event(task.outlets, emission.event)
            task.log.info(
                "Completed %s: event %s, id %s, is in XCom and starts no Dag, because this is a run of a backfill "
                "([cloudfn] events_in_backfills)",
                task._called(),
                record.type,
                record.id,
            )
            continue
        # It may be missing there: where a Dag is tested, the tries of a task are one object's.
        task.outlets = with_asset(task.outlets, emission.event)
        accessor: Any = context["outlet_events"][emission.event]
        accessor.extra = extra
        schedule = f"[CompletionEvent({record.type!r})]"
        if key is not None:
            accessor.add_partitions(key)
            schedule = "<the event>.each()"
        # A worker can't ask Airflow who waits for an event: whoever looks for a run that is missing finds here what it needs.
        task.log.info(
            "Completed %s: event %s, id %s%s; it starts Dags with schedule=%s that are not paused",
            task._called(),
            record.type,
            record.id,
            "" if emission.key is None else f", partition key {key}",
            schedule,
        )


def _emissions(task: ExpressionOperator) -> Iterator[_Emission]:
    """Yield the events that a step declares, the one of ``completion_event`` first."""

    def given(name: str, value: Any) -> str | None:
        return None if value is None else name

    if task.completion_event is not None:
        parts = {name: given(name, getattr(task, name)) for name in EVENT_PARAMETERS}
        yield _Emission(task.completion_event, parts["event_payload"], parts["emit_when"], parts["event_key"])
    for event, written in (task.completion_events or {}).items():
        emit = emit_of(written)
        names = [given(label_of(event, part), getattr(emit, part)) for part in ("payload", "when", "key")]
        yield _Emission(as_event(event), *names)


def _record(
    task: ExpressionOperator, emission: _Emission, context: Context, *, result: Any, variables: TaskVariables
) -> CompletionRecord:
    """Return the record of a step, whose payload is one that the event can carry."""
    event, by_default = emission.event, emission.payload is None
    field = emission.payload or ("event_payload" if event is task.completion_event else label_of(event, "payload"))
    payload = result if by_default else task.evaluate_after_call(field, variables)
    schema = getattr(event, "schema", None)
    try:
        record = CompletionRecord.of(
            task_instance_key(context),
            type=event.name,
            function=task._called(),
            result=result if by_default else task._storable(payload),
            occurred_at=dt.datetime.now(tz=dt.UTC),
            started_by=event_ids(context),
            place=task._place(),
        )
        if schema is not None:
            require_payload(schema, record.result, event=event.name)
    except ConfigurationError as error:
        raise ExpressionError(str(error), field=field) from error
    if (folder := event_storage()) is None:
        require_event(record.result, field=field, by_default=by_default)
    elif is_too_large(record.result) and not variables.are_rehearsed:
        return _put_aside(task, record, folder, field)
    return record


def _put_aside(task: ExpressionOperator, record: CompletionRecord, folder: str, field: str) -> CompletionRecord:
    """Write what a record carries into the storage, which may be away for a while."""

    def put() -> CompletionRecord:
        try:
            return put_aside(record, folder)
        except Exception as error:
            message = f"{field}: the call was carried out, and what its event carries can't be written below {folder}"
            raise unwritable(message, error) from error

    what = "the payload of an event of a call that was carried out"
    return outlast(put, what, task.log, of="The storage of events")


def _partition_key(
    task: ExpressionOperator, emission: _Emission, record: CompletionRecord, variables: TaskVariables
) -> str | None:
    """Return the partition key under which an event is emitted; None for one that is merged with others."""
    if not has_one_run_per_event(emission.event):
        return None
    if emission.key is None:
        return record.id
    key = key_text(
        task.evaluate_after_call(emission.key, variables),
        field=emission.key,
        cost="under which events of different things would start one run",
        remedy="name what a run is about, such as response.body.customerId",
    )
    if len(key) > _LONGEST_KEY:
        raise ExpressionError(
            f"gives {len(key):,} characters, and {_LONGEST_KEY} are the most that Airflow keeps of a partition key: name what a "
            "run is about by something shorter, such as an id or hash.sha256(…)",
            field=emission.key,
        )
    return key
