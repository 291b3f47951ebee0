"""
The arrows between steps that follow from what their expressions read, where the author has asked for it.

They are there only when the Dag is complete: a step can be written below the one that reads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn.authoring import language
from airflow_provider_cloudfn.authoring.ancestry import Ancestry
from airflow_provider_cloudfn.authoring.options import formulas_of, parts_of
from airflow_provider_cloudfn.authoring.parameter import Parameter
from airflow_provider_cloudfn.authoring.task import AuthoredTask, is_reference
from airflow_provider_cloudfn.authoring.vocabulary import VARIABLES
from airflow_provider_cloudfn.configuration import options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.sdk import DAG

__all__ = ["DEPENDS_ON_WHAT_IT_READS", "add_arrows", "wait_for_steps_in_options"]


def _choice_problem(value: Any) -> str | None:
    if value is None or isinstance(value, bool):
        return None
    return f"must be True, False or None, not {value!r}"


#: The parameter by which an author asks for it; None as ``[cloudfn] implicit_dependencies`` says.
DEPENDS_ON_WHAT_IT_READS: Final = Parameter("depends_on_what_it_reads", check=_choice_problem, authored=True)


def add_arrows(dag: DAG) -> Ancestry:
    """
    Let the steps of a Dag that ask for it run behind those that their expressions read, as Airflow's parser has it.

    ``dag.test()`` does not parse the Dag that it runs: call this before it, where arrows are left to the expressions.

    Where an arrow would lead round in a circle, or there is no such step, none is added: the rules about expressions say so.

    :param dag: A Dag that is complete; it is changed.
    :returns: What runs before which of its tasks now.
    """
    ancestry = Ancestry(dag.task_dict)
    for task in map(AuthoredTask, dag.tasks):
        if not task.is_ours or not _is_wanted(task):
            continue
        for step in dict.fromkeys(_steps_read(task)):
            if step not in dag.task_dict or step == task.task_id:
                continue
            if not ancestry.is_before(step, task.task_id) and not ancestry.is_before(task.task_id, step):
                task.run_after(step)
                ancestry.add(step, task.task_id)
    return ancestry


def wait_for_steps_in_options(task: Any) -> None:
    """
    Let a task run behind the steps that ``for_each=ForEach(read_orders())`` and the like refer to: Airflow does not see them.

    :param task: The operator, when its parameters are set; an instance of a mapped one has its arrows from that.
    """
    if task._BaseOperator__from_mapped:
        return
    for parameter in task.authored_parameters:
        for _, part in parts_of(parameter.name, getattr(task, parameter.name, None)):
            if is_reference(part):
                for step, _ in part.iter_references():
                    task.set_upstream(step)


def _is_wanted(task: AuthoredTask) -> bool:
    name = DEPENDS_ON_WHAT_IT_READS.name
    chosen = [value for value in task.written(name) if value is not None]
    if chosen:
        return any(value is True for value in chosen)
    return options.flag("implicit_dependencies")


def _steps_read(task: AuthoredTask) -> Iterator[str]:
    """Yield the steps that the expressions of a task name, wherever in it."""
    for _, formula in formulas_of(task):
        # What else it can name is judged elsewhere.
        for reference in language.check(formula.source, variables=VARIABLES).references:
            if reference.path[0] == "steps" and len(reference.path) > 1:
                yield reference.path[1]
