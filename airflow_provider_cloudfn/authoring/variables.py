"""The bridge between Airflow's task context and the variables that expressions read, each made only when it is named."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, overload

from airflow_provider_cloudfn.authoring.expressions import AFTER_CALL_VARIABLES, VARIABLES, step_problem
from airflow_provider_cloudfn.authoring.task import AuthoredTask
from airflow_provider_cloudfn.events.record import RECORD_KEY, TaskInstanceKey, payload_of
from airflow_provider_cloudfn.events.run_events import (
    asset_names,
    conf_payloads,
    emitted_by_success,
    triggering_extras,
    triggering_records,
)
from airflow_provider_cloudfn.exceptions import ExpressionError, nearest_name

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

__all__ = ["STAND_IN", "StandIn", "TaskVariables", "task_instance_key"]

#: Where a context without a running Airflow around it holds its :class:`StandIn`.
STAND_IN = "cloudfn_stand_in"


class StandIn(Protocol):
    """What answers for Airflow where a task is rehearsed: with samples, or with what a past run left."""

    @property
    def payloads(self) -> Mapping[str, Any]:
        """The payloads of completion events by name, which come before all that Airflow would know."""

    @property
    def steps(self) -> Mapping[str, Any]:
        """What each step returned, for a task that stands in no Dag."""

    def pull(self, step: Any, key: str) -> Any:
        """
        Return what an upstream step left in XCom, a list for a mapped one; None where it left nothing.

        :param step: The upstream operator.
        :param key: The XCom's key.
        :raises ExpressionError: when nobody said what it left.
        """


class TaskVariables(Mapping[str, Any]):
    """
    What the expressions of a running task can name.

    Nothing is pulled before an expression names it, and what was pulled once is kept for the next expression.

    :param context: The task's Airflow context.
    :param inputs: The task's own inputs, rendered.
    :param response: What the service answered, in what runs after the call.
    """

    def __init__(self, context: Context, *, inputs: Any = None, response: Mapping[str, Any] | None = None) -> None:
        self._context = context
        self._made: dict[str, Any] = {"inputs": inputs}
        if response is not None:
            self._made["response"] = response

    def with_inputs(self, inputs: Any) -> TaskVariables:
        """
        Return the same variables, those already pulled included, and the inputs.

        :param inputs: The task's ``inputs``, rendered.
        """
        return self._with("inputs", inputs)

    def with_response(self, response: Mapping[str, Any]) -> TaskVariables:
        """
        Return the same variables, those already pulled included, and the answer.

        :param response: ``status``, ``headers``, ``body``, ``url`` and ``request_id``.
        """
        return self._with("response", response)

    def _with(self, name: str, value: Any) -> TaskVariables:
        variables = TaskVariables(self._context)
        variables._made = {**self._made, name: value}
        return variables

    def are_of(self, context: Context) -> bool:
        """
        Return whether these are the variables of a context.

        :param context: An Airflow context.
        """
        return self._context is context

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = _MAKERS[name](self._context)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(VARIABLES | (AFTER_CALL_VARIABLES & self._made.keys())))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        return name in _MAKERS or name in self._made


def task_instance_key(context: Context) -> TaskInstanceKey:
    """
    Return what names the running task instance over all its tries.

    :param context: The task's Airflow context.
    """
    instance = context["ti"]
    map_index = instance.map_index
    return TaskInstanceKey(
        dag_id=instance.dag_id,
        run_id=instance.run_id,
        task_id=instance.task_id,
        map_index=-1 if map_index is None else map_index,
    )


class _StepList(Sequence[Any]):
    """
    What all instances of a mapped step returned, in map order.

    Airflow's own lazy sequence asks for every element by itself, and once more to see that there is none: this one asks for
    all of them at the first need, and for their number alone where that is all that is wanted.
    """

    def __init__(self, pulled: Any) -> None:
        self._pulled = pulled
        self._elements: list[Any] | None = None

    def __len__(self) -> int:
        return len(self._pulled) if self._elements is None else len(self._elements)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._all())

    @overload
    def __getitem__(self, index: int) -> Any: ...

    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...

    def __getitem__(self, index: int | slice) -> Any:
        return self._all()[index]

    def _all(self) -> list[Any]:
        if self._elements is None:
            self._elements = self._pulled[:]
        return self._elements


class _LazyMapping(Mapping[str, Any]):
    """A map whose values are made when they are asked for, once."""

    def __init__(self, names: Callable[[], Sequence[str]], make: Callable[[str], Any]) -> None:
        self._names = names
        self._make = make
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    def __contains__(self, name: object) -> bool:
        return name in self._names()


def _steps(context: Context) -> Mapping[str, Any]:
    task: Any = context["task"]
    surroundings = AuthoredTask(task).surroundings
    if surroundings is None and (stand_in := _stand_in(context)) is not None:
        return stand_in.steps
    if surroundings is None:
        raise ExpressionError("'steps' can be read in a Dag only, and this task stands in none")

    def pull(step: str) -> Any:
        problem = step_problem((step,), surroundings)
        if problem is not None:
            raise ExpressionError(problem)
        return _pull(task.dag.task_dict[step], context)

    return _LazyMapping(lambda: sorted(surroundings.upstream), pull)


def _pull(step: Any, context: Context, key: str = "return_value") -> Any:
    """Return an XCom of an upstream step as an XComArg of it would resolve, null where there is none."""
    if (stand_in := _stand_in(context)) is not None:
        return stand_in.pull(step, key)
    from airflow.sdk import XComArg
    from airflow.sdk.execution_time.lazy_sequence import LazyXComSequence

    instance: Any = context["ti"]
    argument: Any = XComArg(step, key)
    if step.is_mapped:
        return _StepList(LazyXComSequence(xcom_arg=argument, ti=instance))
    group = step.get_closest_mapped_task_group()
    if group is None:
        return instance.xcom_pull(task_ids=step.task_id, key=key, map_indexes=None)
    mine = AuthoredTask(context["task"]).mapped_groups
    if group.group_id in mine:
        indexes = instance.get_relevant_upstream_map_indexes(upstream=step, ti_count=None, session=None)
        if indexes is not None:
            return instance.xcom_pull(task_ids=step.task_id, key=key, map_indexes=indexes)
    # An XComArg would give the bare value where the group happens to have one instance: always a list here.
    return _StepList(LazyXComSequence(xcom_arg=argument, ti=instance))


def _stand_in(context: Context) -> StandIn | None:
    found: StandIn | None = context.get(STAND_IN)  # type: ignore[assignment]  # no key of Airflow's own
    return found


def _context(context: Context) -> Mapping[str, Any]:
    from airflow.sdk import Asset

    task: Any = context["task"]
    stand_in = _stand_in(context)
    sampled: Mapping[str, Any] = {} if stand_in is None else stand_in.payloads
    declared: dict[str, list[Any]] = {}
    unread: dict[str, str] = {}
    hidden = ""
    if task.has_dag():
        for step in task.get_flat_relatives(upstream=True):
            if (own := AuthoredTask(step).event_name) is not None:
                declared.setdefault(own, []).append(step)
            hidden = hidden or _undeclared(AuthoredTask(step))
            unread.update(
                {
                    outlet.name: step.task_id
                    for outlet in step.outlets
                    if isinstance(outlet, Asset) and outlet.name != own
                }
            )

    def payload(name: str) -> Any:
        if name in sampled:
            return sampled[name]
        if name in declared:
            return _upstream_payload(name, declared[name], context)
        if name in unread:
            # An older event instead of this one would be worse than none.
            raise ExpressionError(
                f"step {unread[name]!r} emits {name!r} by its outlets, and a step of the same run can't read that: read "
                f'steps["{unread[name]}"], or let a cloud function emit it, as its completion_event'
            )
        extras = triggering_extras(context, name)
        if len(extras) > 1:
            raise ExpressionError(_too_many(name, len(extras)))
        if extras:
            return payload_of(extras[0])
        given = conf_payloads(context)
        if name in given:
            return given[name]
        raise ExpressionError(_missing_event(name, names(), hidden))

    def names() -> Sequence[str]:
        return sorted({*sampled, *declared, *asset_names(context), *conf_payloads(context)})

    return _LazyMapping(names, payload)


def _undeclared(step: AuthoredTask) -> str:
    """Return the sentence on a step that may emit an event that it does not declare, or no text."""
    if not step.is_silent_about_its_event:
        return ""
    return (
        f" Step {step.task_id!r} is mapped, and what the __init__ of {step.kind.__name__} does is not known before it "
        "runs: such a class declares its event as the default of a parameter completion_event of its own."
    )


def _upstream_payload(name: str, steps: Sequence[Any], context: Context) -> Any:
    records: list[Any] = []
    for step in steps:
        found = _pull(step, context, RECORD_KEY)
        several = isinstance(found, Sequence) and not isinstance(found, str)
        left = [record for record in (found if several else [found]) if record is not None]
        records += left if _stand_in(context) is not None else emitted_by_success(left, step.task_id, context)
    if len(records) > 1:
        read = " or ".join(f'steps["{step.task_id}"]' for step in steps)
        raise ExpressionError(
            f'context["{name}"] stands for one event, and steps of this run have emitted {len(records)}: read what they '
            f"returned, {read}, or map over it"
        )
    return payload_of(records[0]) if records else None


def _too_many(name: str, count: int) -> str:
    return (
        f'context["{name}"] stands for one event, and {count} are in reach: declare it with one_run_per_event=True and '
        f'schedule on .each(), pick from events.filter(e, e.metadata.type == "{name}"), or map over its .read()'
    )


def _missing_event(name: str, known: Sequence[str], hidden: str) -> str:
    by_hand = json.dumps({"context": {name: {}}}, ensure_ascii=False)
    nearest = nearest_name(name, known)
    hint = f"; did you mean {nearest!r}?" if nearest else "."
    declares = "is known to declare" if hidden else "declares"
    return (
        f"no completion event {name!r} is in reach: no step before this one {declares} it, and no such event started this "
        f"run{hint}{hidden} To start it by hand, trigger the Dag with this conf and the payload in it: {by_hand}"
    )


def _run(context: Context) -> Mapping[str, Any]:
    key = task_instance_key(context)
    dag_run: Any = context["dag_run"]
    return {
        "id": key.run_id,
        "dag_id": key.dag_id,
        "task_id": key.task_id,
        "map_index": key.map_index,
        "try_number": context["ti"].try_number,
        "run_after": dag_run.run_after,
        "logical_date": dag_run.logical_date,
        "data_interval_start": dag_run.data_interval_start,
        "data_interval_end": dag_run.data_interval_end,
        "idempotency_key": key.stable_id("idempotency_key"),
    }


def _params(context: Context) -> Any:
    return context.get("params") or {}


def _conf(context: Context) -> Any:
    return getattr(context.get("dag_run"), "conf", None) or {}


_MAKERS: dict[str, Callable[[Context], Any]] = {
    "steps": _steps,
    "context": _context,
    "events": triggering_records,
    "params": _params,
    "conf": _conf,
    "run": _run,
}
