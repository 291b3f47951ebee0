"""The bridge between Airflow's task context and the variables that expressions read, each made only when it is named."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_cloudfn.authoring.expressions import step_problem
from airflow_provider_cloudfn.authoring.lazy_values import LazyMapping, NamedValues, StepList
from airflow_provider_cloudfn.authoring.stable_ids import stable_id, task_instance_key
from airflow_provider_cloudfn.authoring.task import AuthoredTask
from airflow_provider_cloudfn.authoring.vocabulary import VARIABLES
from airflow_provider_cloudfn.authoring.wait_for import CALLBACK_URL
from airflow_provider_cloudfn.events.claim_check import payload_of
from airflow_provider_cloudfn.events.record import RECORD_KEY, is_record
from airflow_provider_cloudfn.events.run_events import (
    conf_payloads,
    emitted_by_success,
    scheduled_names,
    triggering_extras,
    triggering_names,
    triggering_records,
)
from airflow_provider_cloudfn.exceptions import ExpressionError, nearest_name
from airflow_provider_cloudfn.json_encoding import restored

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

__all__ = ["SAMPLE_RUN", "SampleRun", "TaskVariables"]

#: The key under which the context of a rehearsal holds its :class:`SampleRun`.
SAMPLE_RUN = "cloudfn_sample_run"
#: The member of `run` that is made when it is asked for.
_KEY = "idempotency_key"


class SampleRun(Protocol):
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

        :raises ExpressionError: when nobody said what it left.
        """


class TaskVariables(Mapping[str, Any]):
    """
    What the expressions of a running task can name.

    Nothing is pulled before an expression names it, and what was pulled once is kept for the next expression.

    :param inputs: The task's own inputs, rendered.
    """

    def __init__(self, context: Context, *, inputs: Any = None) -> None:
        self._context = context
        #: What these were made of: what is not made yet is made there, once for all that are made of the same.
        self._base: TaskVariables | None = None
        self._made: dict[str, Any] = {"inputs": restored(inputs)}
        #: Makes ``run`` anew, where it is another one.
        self._make_run: Callable[[], Any] | None = None

    def with_inputs(self, inputs: Any) -> TaskVariables:
        """
        Return the same variables, those already pulled included, and the inputs.

        :param inputs: The task's ``inputs``, rendered.
        """
        return self._with({"inputs": restored(inputs)})

    def with_response(self, response: Mapping[str, Any]) -> TaskVariables:
        """
        Return the same variables, those already pulled included, and the answer.

        :param response: ``status``, ``headers``, ``body``, ``url`` and ``request_id``.
        """
        return self._with({"response": response})

    def with_item(self, item: Any, index: int, idempotency_key: Callable[[], str]) -> TaskVariables:
        """
        Return the same variables, and an item with its own idempotency key: one for all would stand for one request.

        :param index: Its position, from 0.
        :param idempotency_key: Returns what ``run.idempotency_key`` is for it.
        """
        return self._with({"item": item, "index": index}, idempotency_key)

    def with_idempotency_key(self, idempotency_key: Callable[[], str]) -> TaskVariables:
        """
        Return the same variables with another idempotency key.

        :param idempotency_key: Returns what ``run.idempotency_key`` is, when ``run`` is first read.
        """
        return self._with({}, idempotency_key)

    def with_more(self, **more: Any) -> TaskVariables:
        """Return the same variables, and some that exist in a few places only, such as ``page``."""
        return self._with(more)

    def _with(self, more: Mapping[str, Any], idempotency_key: Callable[[], str] | None = None) -> TaskVariables:
        variables = TaskVariables.__new__(TaskVariables)
        variables._context = self._context
        variables._base = self
        variables._made = {**self._made, **more}
        variables._make_run = None
        if idempotency_key is not None:
            variables._made.pop("run", None)
            variables._make_run = lambda: {**self["run"], _KEY: idempotency_key()}
        return variables

    @property
    def are_rehearsed(self) -> bool:
        """Whether these are those of a rehearsal, which changes nothing outside."""
        return SAMPLE_RUN in self._context

    def are_of(self, context: Context) -> bool:
        """Return whether these are the variables of a context."""
        return self._context is context

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            base = self._base
            if name == "run" and self._make_run is not None:
                self._made[name] = self._make_run()
            else:
                self._made[name] = restored(_MAKERS[name](self._context)) if base is None else base[name]
        return self._made[name]

    @property
    def names(self) -> frozenset[str]:
        """The names of all of them."""
        return _with_known(tuple(self._made))

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self.names))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        return name in _MAKERS or name in self._made


@lru_cache(maxsize=256)
def _with_known(names: tuple[str, ...]) -> frozenset[str]:
    return VARIABLES.union(names)


def _steps(context: Context) -> Mapping[str, Any]:
    task: Any = context["task"]
    surroundings = AuthoredTask(task).surroundings
    if surroundings is None and (sample_run := _sample_run(context)) is not None:
        return sample_run.steps
    if surroundings is None:
        raise ExpressionError("'steps' can be read in a Dag only, and this task stands in none")

    def pull(step: str) -> Any:
        problem = step_problem((step,), surroundings)
        if problem is not None:
            raise ExpressionError(problem)
        return _pull(task.dag.task_dict[step], context)

    return LazyMapping(lambda: sorted(surroundings.upstream), pull)


def _pull(step: Any, context: Context, key: str = "return_value") -> Any:
    """Return an XCom of an upstream step as an XComArg of it would resolve, null where there is none."""
    if (sample_run := _sample_run(context)) is not None:
        return sample_run.pull(step, key)
    from airflow.sdk import XComArg
    from airflow.sdk.execution_time.lazy_sequence import LazyXComSequence

    instance: Any = context["ti"]
    argument: Any = XComArg(step, key)
    if step.is_mapped:
        return StepList(LazyXComSequence(xcom_arg=argument, ti=instance))
    group = step.get_closest_mapped_task_group()
    if group is None:
        return instance.xcom_pull(task_ids=step.task_id, key=key, map_indexes=None)
    mine = AuthoredTask(context["task"]).mapped_groups
    if group.group_id in mine:
        indexes = instance.get_relevant_upstream_map_indexes(upstream=step, ti_count=None, session=None)
        if indexes is not None:
            return instance.xcom_pull(task_ids=step.task_id, key=key, map_indexes=indexes)
    # An XComArg would give the bare value where the group happens to have one instance: always a list here.
    return StepList(LazyXComSequence(xcom_arg=argument, ti=instance))


def _sample_run(context: Context) -> SampleRun | None:
    found: SampleRun | None = context.get(SAMPLE_RUN)  # type: ignore[assignment]  # no key of Airflow's own
    return found


def _context(context: Context) -> Mapping[str, Any]:
    from airflow.sdk import Asset

    task: Any = context["task"]
    sample_run = _sample_run(context)
    sampled: Mapping[str, Any] = {} if sample_run is None else sample_run.payloads
    declared: dict[str, list[Any]] = {}
    unread: dict[str, str] = {}
    hidden = ""
    if task.has_dag():
        for step in task.get_flat_relatives(upstream=True):
            own = AuthoredTask(step).event_names
            for name in own:
                declared.setdefault(name, []).append(step)
            hidden = hidden or _undeclared(AuthoredTask(step))
            unread.update(
                {
                    outlet.name: step.task_id
                    for outlet in step.outlets
                    if isinstance(outlet, Asset) and outlet.name not in own
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
        raise KeyError(name)

    def names() -> Sequence[str]:
        return sorted({*sampled, *declared, *triggering_names(context), *conf_payloads(context)})

    return LazyMapping(names, payload, lambda name: _missing_event(name, names(), context, hidden))


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
        left = [record for record in _flat(found) if not is_record(record) or record["metadata"]["type"] == name]
        records += left if _sample_run(context) is not None else emitted_by_success(left, step.task_id, context)
    if len(records) > 1:
        read = " or ".join(f'steps["{step.task_id}"]' for step in steps)
        raise ExpressionError(
            f'context["{name}"] stands for one event, and steps of this run have emitted {len(records)}: read what they '
            f"returned, {read}, or map over it"
        )
    return payload_of(records[0]) if records else None


def _flat(left: Any) -> Iterator[Any]:
    """Yield the records that a step left: one, those of its instances, and of each of them several."""
    if isinstance(left, Sequence) and not isinstance(left, str):
        for one in left:
            yield from _flat(one)
    elif left is not None:
        yield left


def _too_many(name: str, count: int) -> str:
    return (
        f'context["{name}"] stands for one event, and {count} are in reach: declare it with one_run_per_event=True and '
        f'schedule on .each(), pick from events.filter(e, e.metadata.type == "{name}"), or map over its .read()'
    )


def _missing_event(name: str, known: Sequence[str], context: Context, hidden: str) -> str:
    scheduled = scheduled_names(context.get("dag"))
    by_hand = json.dumps({"context": {name: {}}}, ensure_ascii=False)
    nearest = nearest_name(name, sorted({*known, *scheduled})) if name not in scheduled else None
    hint = f"; did you mean {nearest!r}?" if nearest else "."
    if name in scheduled and len(scheduled) > 1:
        hint = f'. Where another event can start the Dag, write context[?"{name}"].orValue(null).'
    declares = "is known to declare" if hidden else "declares"
    return (
        f"no completion event {name!r} is in reach: no step before this one {declares} it, and no such event started this "
        f"run{hint}{hidden} To start it by hand, trigger the Dag with this conf and the payload in it: {by_hand}"
    )


def _run(context: Context) -> Mapping[str, Any]:
    key = task_instance_key(context)
    dag_run: Any = context["dag_run"]
    given: Mapping[str, Any] = context
    callback = {"callback_url": given[CALLBACK_URL]} if CALLBACK_URL in given else {}
    known = {
        **callback,
        "id": key.run_id,
        "dag_id": key.dag_id,
        "task_id": key.task_id,
        "map_index": key.map_index,
        "try_number": context["ti"].try_number,
        "run_after": dag_run.run_after,
        "logical_date": dag_run.logical_date,
        "data_interval_start": dag_run.data_interval_start,
        "data_interval_end": dag_run.data_interval_end,
    }

    def make(name: str) -> Any:
        # It takes as long to make as all the rest.
        return stable_id(context, _KEY) if name == _KEY else known[name]

    return LazyMapping(lambda: [*known, _KEY], make)


def _params(context: Context) -> Any:
    return NamedValues(context.get("params") or {})


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
