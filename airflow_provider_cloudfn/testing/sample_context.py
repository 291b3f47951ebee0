"""What stands for a running Airflow: a context made of samples, and a task brought to where it would be executed."""

from __future__ import annotations

import copy
import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from airflow_provider_cloudfn.authoring.arrows import add_arrows
from airflow_provider_cloudfn.authoring.run_time_data import arrived_in
from airflow_provider_cloudfn.authoring.task import AuthoredTask
from airflow_provider_cloudfn.authoring.variables import SAMPLE_RUN
from airflow_provider_cloudfn.events.record import RECORD_KEY
from airflow_provider_cloudfn.exceptions import ConfigurationError, ExpressionError, in_words
from airflow_provider_cloudfn.testing.samples import ABSENT, Samples

__all__ = ["FakeTaskInstance", "SampledSteps", "require_ours", "task_with_samples"]

_RUN_ID = "rehearsal"
_MOMENT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class SampledSteps:
    """Answers for Airflow with samples. See :class:`airflow_provider_cloudfn.authoring.variables.SampleRun`."""

    samples: Samples

    @property
    def payloads(self) -> Mapping[str, Any]:
        """The payloads of completion events by name."""
        return self.samples.context

    @property
    def steps(self) -> Mapping[str, Any]:
        """What each step returned, for a task that stands in no Dag."""
        return self.samples.steps

    def pull(self, step: Any, key: str) -> Any:
        """
        Return what an upstream step left in XCom.

        :raises ExpressionError: when no sample says it.
        """
        task_id = step.task_id
        if key == RECORD_KEY:
            if task_id in self.samples.records:
                return self.samples.records[task_id]
            raise ExpressionError(
                f"there is no sample of the completion event of step {task_id!r}: give its payload under 'context'"
            )
        if task_id not in self.samples.steps:
            raise ExpressionError(
                f"there is no sample of what step {task_id!r} returned: give it under 'steps', null if it returned nothing"
            )
        value = self.samples.steps[task_id]
        if step.is_mapped and not (isinstance(value, Sequence) and not isinstance(value, (str, bytes))):
            raise ExpressionError(
                f"step {task_id!r} is mapped, so its sample under 'steps' must be a list, not {type(value).__name__}"
            )
        return value


@dataclass(slots=True)
class FakeTaskInstance:
    """What stands for a running task instance."""

    task: Any
    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    try_number: int
    samples: SampledSteps
    pushed: dict[str, Any] = field(default_factory=dict)

    def xcom_push(self, key: str, value: Any) -> None:
        """Keep what would be pushed."""
        self.pushed[key] = value

    def xcom_pull(self, task_ids: Any = None, key: str = "return_value", **_: Any) -> Any:
        """Return the sample of what a step left, where Jinja or an XComArg asks for it."""
        if not isinstance(task_ids, str):
            raise ExpressionError("xcom_pull of several steps can't be rehearsed: give 'inputs' in the sample")
        step = self.task.dag.task_dict.get(task_ids) if self.task.has_dag() else None
        found = SimpleNamespace(task_id=task_ids, is_mapped=False) if step is None else step
        return self.samples.pull(found, key)

    def get_relevant_upstream_map_indexes(self, **_: Any) -> None:
        """Say that no index is chosen: a sample gives what this index sees."""
        return


def require_ours(task: Any) -> None:
    """
    Refuse a task that is not of this package.

    :raises ConfigurationError: which says what to do instead.
    """
    if not hasattr(task, "task_id") or not hasattr(task, "is_mapped"):
        inner = ", and so is its .operator" if hasattr(task, "operator") else ""
        raise ConfigurationError(
            f"task: must be an operator, such as dag.get_task('charge'){inner}, not {in_words(task)}"
        )
    authored = AuthoredTask(task)
    if not authored.parameters:
        raise ConfigurationError(
            f"task {task.task_id!r} is a {authored.kind.__name__}, which holds no expressions: name a CloudFunctionOperator or "
            "an operator for Emporix; for any other task use `airflow tasks render` or `airflow tasks test`"
        )
    if not hasattr(authored.kind, "carry_out"):
        # What waits for an event, and not for a service, has no sibling that asks one.
        remedy = "use `airflow tasks test`"
        if hasattr(authored.kind, "call_connection"):
            remedy += ", or a CloudFunctionSensor in its place"
        raise ConfigurationError(
            f"task {task.task_id!r} is a {authored.kind.__name__}, which can't be rehearsed: {remedy}"
        )


def task_with_samples(task: Any, samples: Samples, map_index: int | None = None) -> tuple[Any, Any]:
    """
    Return a copy of a task, as an instance of it would be executed, and the context for it. Nothing is rendered yet.

    :param map_index: Which instance of a mapped task; default the first.
    :raises ConfigurationError: for a task that is not ours, or a map index that can't be.
    """
    require_ours(task)
    given: object = map_index
    if given is not None and type(given) is not int:
        raise ConfigurationError(f"map index: must be a whole number from 0, not {given!r}")
    if task.has_dag():
        add_arrows(task.dag)
    if not task.is_mapped and map_index not in (None, -1):
        raise ConfigurationError(f"map index: task {task.task_id!r} is not mapped; leave the map index out")
    index = max(0, map_index or 0) if task.is_mapped else -1
    context = _context(task, samples, index)
    instance = _unmapped(task, samples, context) if task.is_mapped else copy.copy(task)
    context["task"] = context["ti"].task = instance
    if samples.inputs is not ABSENT:
        _give_inputs(instance, samples.inputs, context)
    return instance, context


def _give_inputs(task: Any, inputs: Any, context: Any) -> None:
    from airflow.sdk import literal

    if not hasattr(task, "inputs"):
        raise ConfigurationError(
            f"inputs: {type(task).__name__} {task.task_id!r} has no parameter 'inputs': leave it out of the sample"
        )
    # What arrives is data: no Jinja in it.
    if not task.inputs_are_given:
        # They stand for what a function returns, which is not called then.
        task.inputs, task.inputs_are_given = inputs, True
        task.op_args, task.op_kwargs = (), {}
        return
    task.inputs = inputs if "inputs" in arrived_in(task, context).parameters else literal(inputs)


def _unmapped(task: Any, samples: Samples, context: dict[str, Any]) -> Any:
    import attrs

    authored = AuthoredTask(task)
    expanded = authored.expand_input
    given: dict[str, Any] = {}
    if authored.maps_a_function:
        if samples.inputs is not ABSENT and isinstance(expanded.value, dict):
            # The function is not called: its arguments are there, and nobody looks at them.
            return task.unmap({"op_kwargs": dict.fromkeys(expanded.value)})
    elif samples.inputs is not ABSENT and isinstance(expanded.value, dict) and "inputs" in expanded.value:
        given["inputs"] = samples.inputs
        others = {name: value for name, value in expanded.value.items() if name != "inputs"}
        expanded = attrs.evolve(expanded, value=others)
    index = context["ti"].map_index
    try:
        if isinstance(expanded.value, dict) and index >= _instances(expanded.value, context):
            raise IndexError(index)
        resolved = expanded.resolve(context)[0] if expanded.value else {}
    except IndexError:
        raise ConfigurationError(
            f"map index: {index} is beyond what task {task.task_id!r} is mapped over here: give a smaller one"
        ) from None
    except ConfigurationError:
        raise
    except ExpressionError as error:
        raise ExpressionError(
            f"task {task.task_id!r} is mapped over what an earlier step returned, and {error.problems[0].message}; or give this "
            "instance's own 'inputs'"
        ) from None
    except Exception as error:
        raise ConfigurationError(
            f"what task {task.task_id!r} is mapped over can't be found out without Airflow ({type(error).__name__}): give this "
            "instance's 'inputs' in the sample"
        ) from error
    return task.unmap({"op_kwargs": resolved} if authored.maps_a_function else {**resolved, **given})


def _instances(expanded: Mapping[str, Any], context: Any) -> float:
    """Return how many instances a mapped task has; without end where only given inputs are mapped over."""
    sizes = [len(value.resolve(context) if hasattr(value, "resolve") else value) for value in expanded.values()]
    return math.prod(sizes) if sizes else math.inf


def _context(task: Any, samples: Samples, map_index: int) -> dict[str, Any]:
    from airflow.sdk.execution_time.context import (
        ConnectionAccessor,
        MacrosAccessor,
        OutletEventAccessors,
        VariableAccessor,
    )

    dag = task.dag if task.has_dag() else None
    dag_id = "rehearsal" if dag is None else dag.dag_id
    run = _run(samples, dag_id)
    sampled = SampledSteps(samples)
    instance = FakeTaskInstance(
        task=task,
        dag_id=dag_id,
        run_id=run.run_id,
        task_id=task.task_id,
        map_index=map_index,
        try_number=samples.run.get("try_number", 1),
        samples=sampled,
    )
    return {
        **_dates(run),
        SAMPLE_RUN: sampled,
        "conn": ConnectionAccessor(),
        "dag": dag,
        "dag_run": run,
        "inlets": [],
        "macros": MacrosAccessor(),
        "outlet_events": OutletEventAccessors(),
        "outlets": task.outlets,
        "params": _params(task, samples),
        "run_id": run.run_id,
        "task": task,
        "task_instance": instance,
        "ti": instance,
        "var": {"json": VariableAccessor(deserialize_json=True), "value": VariableAccessor(deserialize_json=False)},
    }


def _dates(run: Any) -> dict[str, Any]:
    """Return what Airflow gives a run with a logical date, and no other."""
    if (moment := run.logical_date) is None:
        return {}
    return {
        "data_interval_end": run.data_interval_end,
        "data_interval_start": run.data_interval_start,
        "ds": moment.strftime("%Y-%m-%d"),
        "ds_nodash": moment.strftime("%Y%m%d"),
        "logical_date": moment,
        "ts": moment.isoformat(),
        "ts_nodash": moment.strftime("%Y%m%dT%H%M%S"),
        "ts_nodash_with_tz": moment.isoformat().replace("-", "").replace(":", ""),
    }


def _run(samples: Samples, dag_id: str) -> Any:
    run_after = _time(samples.run, "run_after", _MOMENT) or _MOMENT
    logical_date = _time(samples.run, "logical_date", run_after)
    return SimpleNamespace(
        dag_id=dag_id,
        run_id=samples.run.get("id", _RUN_ID),
        run_after=run_after,
        logical_date=logical_date,
        data_interval_start=_time(samples.run, "data_interval_start", logical_date),
        data_interval_end=_time(samples.run, "data_interval_end", logical_date),
        conf=dict(samples.conf),
        consumed_asset_events=[_asset_event(record, index) for index, record in enumerate(samples.events)],
        run_type="manual",
    )


def _time(run: Mapping[str, Any], name: str, default: dt.datetime | None) -> dt.datetime | None:
    value = run.get(name, default)
    if isinstance(value, str):
        try:
            value = dt.datetime.fromisoformat(value)
        except ValueError:
            raise ConfigurationError(
                f"run.{name}: must be a time in RFC 3339, such as 2026-01-31T12:00:00Z, not {value!r}"
            ) from None
    if value is None:
        return None
    if not isinstance(value, dt.datetime):
        raise ConfigurationError(f"run.{name}: must be a time in RFC 3339, not {type(value).__name__}")
    return value if value.tzinfo is not None else value.replace(tzinfo=dt.UTC)


def _asset_event(record: Mapping[str, Any], index: int) -> Any:
    name = record["metadata"]["type"]
    return SimpleNamespace(
        asset=SimpleNamespace(name=name, uri=name),
        extra=dict(record),
        # In the order in which they are given.
        timestamp=_MOMENT + dt.timedelta(microseconds=index),
        source_dag_id=None,
        source_run_id=None,
        source_task_id=None,
        source_map_index=None,
    )


def _params(task: Any, samples: Samples) -> dict[str, Any]:
    """Return the params as a run has them: the Dag's, the conf's over them, the sample's over both."""
    declared = getattr(task, "params", None) or {}
    values = {}
    for name in declared:
        param = declared.get_param(name) if hasattr(declared, "get_param") else declared[name]
        value = getattr(param, "value", param)
        # Airflow's mark for a param without default.
        if type(value).__name__ != "ArgNotSet":
            values[name] = value
    values.update({name: value for name, value in samples.conf.items() if name in declared})
    return {**values, **samples.params}
