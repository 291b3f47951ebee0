"""
Checks every expression of a parsed Dag, once its dependencies are complete.

Airflow loads this module in each of its processes, and a fault in it would keep Airflow from starting. So it imports
nothing of Airflow at the top, nor of ours, and looks at a Dag only where something of ours stands in it. A fault of the check
itself is a problem of the Dags that use this package, and of no other.
"""

from __future__ import annotations

import logging
from typing import Any

import pluggy

__all__ = ["dag_policy", "is_ours", "parameter_problems", "written_values"]

_log = logging.getLogger(__name__)

# Airflow has the same marker. To import it here would start Airflow, where this module is imported first, and Airflow would
# register the module as it is in the middle of its import: without its policy.
_hookimpl = pluggy.HookimplMarker("airflow.policy")


@_hookimpl
def dag_policy(dag: Any) -> None:
    """
    Refuse a Dag whose expressions can't work, or that waits for events which would never start it.

    :param dag: The Dag that was parsed.
    :raises AirflowClusterPolicyViolation: which lists all problems; Airflow shows it as an import error.
    """
    uses_us = True
    try:
        tasks = [task for task in dag.tasks if is_ours(task)]
        uses_us = bool(tasks)
        problems = _problems(dag, tasks)
    except Exception as error:
        _log.exception("The check of Dag %r itself has failed", dag.dag_id)
        problems = [_unchecked(error)] if uses_us else []
    if problems:
        from airflow.exceptions import AirflowClusterPolicyViolation

        listed = "\n".join(f"- {problem}" for problem in problems)
        raise AirflowClusterPolicyViolation(f"Dag {dag.dag_id!r} can't run as it is written:\n{listed}")


def _problems(dag: Any, tasks: list[Any]) -> list[str]:
    problems = _expression_problems(dag, tasks) if tasks else []
    problems.extend(_silent_outlets(dag))
    events = _single_events(dag)
    if events and not getattr(dag.timetable, "default_partition_mapper", None):
        problems.extend(_never_fires(event.name) for event in events)
    return problems


def is_ours(task: Any) -> bool:
    """
    Tell whether a task is one of this package.

    :param task: An operator or a mapped operator.
    """
    # By the class attribute rather than the class: no operator is imported for a Dag that uses none.
    return bool(getattr(getattr(task, "operator_class", type(task)), "cel_fields", ()))


def _single_events(dag: Any) -> list[Any]:
    """Return the events with a run for each that the Dag is scheduled on."""
    if getattr(getattr(dag, "timetable", None), "asset_condition", None) is None:
        return []
    from airflow_provider_cloudfn.events.asset import has_one_run_per_event
    from airflow_provider_cloudfn.events.run_events import scheduled_assets

    return [asset for asset in scheduled_assets(dag) if has_one_run_per_event(asset)]


def _expression_problems(dag: Any, tasks: list[Any]) -> list[str]:
    from airflow_provider_cloudfn.authoring.variables import surroundings_in

    surroundings = surroundings_in(dag)
    return [problem for task in tasks for problem in _task_problems(task, surroundings[task.task_id])]


def _task_problems(task: Any, surroundings: Any) -> list[str]:
    from airflow_provider_cloudfn.authoring.expressions import task_problems

    fields = _operator_class(task).cel_fields
    written = [(field, value) for field in fields for value in written_values(task, field.name)]
    problems = [f"{task.task_id}: {problem}" for problem in task_problems(written, surroundings)]
    return problems + [f"{task.task_id}: {problem}" for problem in parameter_problems(task)]


def parameter_problems(task: Any) -> list[str]:
    """
    Return what is wrong with a task of ours besides its expressions, each with the parameter that it is about.

    :param task: An operator or a mapped operator.
    """
    from airflow_provider_cloudfn.authoring.reading import ARRIVES_TOO_LATE

    operator_class = _operator_class(task)
    problems = [
        f"{name}: {problem}"
        for name, check in getattr(operator_class, "parameter_checks", {}).items()
        for value in written_values(task, name)
        if (problem := _parameter_problem(operator_class, name, value, check)) is not None
    ]
    problems += _given_twice(operator_class, task)
    if not task.is_mapped:
        return problems
    late = _expanded_from_a_step(task)
    problems += [
        f"{field.name}: {ARRIVES_TOO_LATE}"
        for field in operator_class.cel_fields
        if field.after_call and field.name in late
    ]
    if "completion_event" in _expanded_names(task):
        from airflow_provider_cloudfn.authoring.value_checks import EVENT_IS_EXPANDED

        problems.append(EVENT_IS_EXPANDED)
    return problems


def _operator_class(task: Any) -> Any:
    return getattr(task, "operator_class", type(task))


def _parameter_problem(operator_class: Any, name: str, value: Any, check: Any) -> str | None:
    from airflow_provider_cloudfn.authoring.reading import is_reference
    from airflow_provider_cloudfn.authoring.value_checks import NO_TEMPLATE_FIELD

    is_template_field = name in operator_class.template_fields
    if is_reference(value):
        return None if is_template_field else NO_TEMPLATE_FIELD
    # What a user made a template field gets its value at run time only.
    arrives = is_template_field and isinstance(value, str) and "{" in value
    problem: str | None = check(value)
    return None if arrives and not _is_checked_as_written(operator_class, name) else problem


def _is_checked_as_written(operator_class: Any, name: str) -> bool:
    return any(field.name == name for field in operator_class.cel_fields)


def _given_twice(operator_class: Any, task: Any) -> list[str]:
    pairs = getattr(operator_class, "exclusive_parameters", ())
    if not pairs:
        return []
    from airflow_provider_cloudfn.authoring.value_checks import exclusive_problem

    return [
        exclusive_problem(one, other)
        for one, other in pairs
        if any({one, other} <= given for given in _given(task, {one, other}))
    ]


def _given(task: Any, names: set[str]) -> list[set[str]]:
    """Return which of the parameters are given, for each way in which the task is written to run."""
    if not task.is_mapped:
        return [{name for name in names if getattr(task, name, None) is not None}]
    defaults = _defaults(task)
    shared = {name for name in names if task.partial_kwargs.get(name, defaults.get(name)) is not None}
    expanded = task._get_specified_expand_input().value
    if isinstance(expanded, dict):
        return [shared | (names & set(expanded))]
    rows = expanded if isinstance(expanded, (list, tuple)) else ()
    return [shared | {name for name in names if row.get(name) is not None} for row in rows if isinstance(row, dict)]


def written_values(task: Any, name: str) -> list[Any]:
    """
    Return what is written in the Dag file for a parameter: for a mapped task, each of its values.

    :param task: An operator or a mapped operator.
    :param name: The parameter.
    """
    if not task.is_mapped:
        return [getattr(task, name, None)]
    expanded = task._get_specified_expand_input().value
    if isinstance(expanded, dict) and name in expanded:
        literal = expanded[name]
        return list(literal) if isinstance(literal, (list, tuple)) else []
    rows = expanded if isinstance(expanded, (list, tuple)) else ()
    values = [row[name] for row in rows if isinstance(row, dict) and name in row]
    shared = {**_defaults(task), **task.partial_kwargs}
    if name in shared and (not rows or len(values) < len(rows)):
        values.insert(0, shared[name])
    return values


def _defaults(task: Any) -> dict[str, Any]:
    """Return the default arguments that the instances of a mapped task of ours will get."""
    from airflow_provider_cloudfn.operators.base import default_arguments

    return default_arguments(task.dag if task.has_dag() else None, task.task_group, task.partial_kwargs)


def _expanded_from_a_step(task: Any) -> set[str]:
    expanded = task._get_specified_expand_input().value
    given = expanded.items() if isinstance(expanded, dict) else ()
    return {name for name, value in given if callable(getattr(value, "resolve", None))}


def _expanded_names(task: Any) -> set[str]:
    expanded = task._get_specified_expand_input().value
    if isinstance(expanded, dict):
        return set(expanded)
    given = expanded if isinstance(expanded, (list, tuple)) else ()
    return {name for one in given if isinstance(one, dict) for name in one}


def _silent_outlets(dag: Any) -> list[str]:
    """Name the tasks that would emit an event with a run for each without its partition key, so that no run came of it."""
    problems = []
    for task in dag.tasks:
        # A task with code of its own can call add_partitions there.
        if not task.outlets or not _is_known(task):
            continue
        own = (task.partial_kwargs if task.is_mapped else vars(task)).get("completion_event")
        problems += [
            f"{task.task_id}: outlets: {event.name!r} is declared with one_run_per_event=True, and this task would emit it in "
            "a way that starts no run: give it as completion_event of a cloud function"
            for event in task.outlets
            if getattr(event, "one_run_per_event", False) and event != own
        ]
    return problems


def _is_known(task: Any) -> bool:
    """Return whether what a task does is ours or Airflow's, and not a function or an operator of the user's own."""
    arguments = task.partial_kwargs if task.is_mapped else vars(task)
    if "python_callable" in arguments or "op_args" in arguments:
        return False
    return str(_operator_class(task).__module__).partition(".")[0] in ("airflow", __name__.partition(".")[0])


def _unchecked(error: Exception) -> str:
    return (
        f"it can't be checked ({type(error).__name__}: {error}): that is a fault of airflow-provider-cloudfn or of what it is "
        "installed with, and not of the Dag. `pip check` finds a missing dependency; the log of the Dag processor has the rest"
    )


def _never_fires(name: str) -> str:
    return (
        f"schedule: {name!r} is declared with one_run_per_event=True, and an ordinary schedule never fires for such an event: "
        "write schedule=<the event>.each()"
    )
