"""Checks the expressions of one task: syntax, names, and that the steps they read lie upstream."""

from __future__ import annotations

import dataclasses
import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.exceptions import ExpressionError, ExpressionProblem
from airflow_provider_cloudfn.fields import Field, Formula, Node, Refusal, parts, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["AFTER_CALL_VARIABLES", "VARIABLES", "Surroundings", "node_problems", "task_problems"]

#: What every expression can name.
VARIABLES = frozenset({"steps", "inputs", "context", "events", "params", "conf", "run"})
#: What an expression can name besides when the answer is there.
AFTER_CALL_VARIABLES = frozenset({"response"})

# Declared everywhere, so that the one who uses it too early is told when it exists rather than that it does not.
_DECLARED = VARIABLES | AFTER_CALL_VARIABLES


#: The strings of an expression, in which nothing is an operator.
_STRINGS = re.compile(r"""('{3}.*?'{3}|"{3}.*?"{3}|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')""", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """
    What is around a task in its Dag.

    :param task_id: The task.
    :param upstream: The ids of all tasks that run before it, however far.
    :param tasks: The ids of all tasks of the Dag.
    :param groups: The mapped task groups that a task is in, from the inside out, for each task that is in any.
    """

    task_id: str
    upstream: frozenset[str]
    tasks: frozenset[str]
    groups: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict, hash=False)


def task_problems(parameters: Iterable[tuple[Field, Any]], surroundings: Surroundings | None) -> list[ExpressionError]:
    """
    Return all that is wrong with a task's expressions, each with its field, line and column.

    :param parameters: The task's fields and the values that stand in the Dag file.
    :param surroundings: The task's place in its Dag; None checks all but the steps.
    """
    return [
        problem for field, value in parameters for problem in node_problems(field, read(field, value), surroundings)
    ]


def node_problems(field: Field, node: Node, surroundings: Surroundings | None) -> Iterator[ExpressionError]:
    """
    Yield all that is wrong with the expressions of a parameter that has been read.

    :param field: The parameter.
    :param node: What :func:`~airflow_provider_cloudfn.fields.read` made of its value.
    :param surroundings: The task's place in its Dag; None checks all but the steps.
    """
    for part in parts(node):
        if isinstance(part, Refusal):
            yield ExpressionError(part.message, field=part.label)
        elif isinstance(part, Formula) and (found := _formula_problems(part, field, surroundings)):
            yield ExpressionError(found, source=part.source, field=part.label)


def _formula_problems(formula: Formula, field: Field, surroundings: Surroundings | None) -> list[ExpressionProblem]:
    checked = cel.check(formula.source, variables=_DECLARED, text=formula.text)
    if surroundings is not None and (dashed := _dashed_step(formula.source, surroundings)):
        return [dashed]
    found = list(checked.problems)
    if checked.program is None:
        return found
    for reference in checked.program.references:
        message = _reference_problem(reference.path, field, surroundings)
        if message is not None:
            found.append(ExpressionProblem(message, reference.line, reference.column))
    return found


def _reference_problem(path: tuple[str, ...], field: Field, surroundings: Surroundings | None) -> str | None:
    root = path[0]
    if root in AFTER_CALL_VARIABLES and not field.after_call:
        return f"'{root}' exists only after the call: use it in returns, success_when or event_payload"
    if root != "steps" or len(path) < 2 or surroundings is None:
        return None
    return step_problem(path[1:], surroundings)


def step_problem(path: tuple[str, ...], surroundings: Surroundings) -> str | None:
    """
    Say what is wrong with reading a step.

    :param path: The step's id as it is written, and what is read of its value.
    :param surroundings: The reading task's place in its Dag.
    """
    step = path[0]
    if step == surroundings.task_id:
        return f"a step can't read itself: what {step!r} returns is not there yet"
    if step in surroundings.upstream:
        return _nesting_problem(step, surroundings)
    reader = _variable_name(surroundings.task_id)
    if step in surroundings.tasks:
        return (
            f"step {step!r} does not run before {surroundings.task_id!r}, so there may be nothing to read: "
            f"add `{_variable_name(step)} >> {reader}`"
        )
    for end in range(len(path), 1, -1):
        dotted = ".".join(path[:end])
        if dotted in surroundings.tasks:
            return f'there is no step {step!r}; a step in a group is named by its whole id: write steps["{dotted}"]'
    nearest = _nearest(step, surroundings)
    return f"there is no step {step!r} in this Dag" + (f"; did you mean {_as_written(nearest)}?" if nearest else "")


def _nesting_problem(step: str, surroundings: Surroundings) -> str | None:
    """
    Refuse what Airflow itself answers with another instance's value.

    It finds the instance of a step by counting, which is right inside the innermost mapped group that two steps share, and
    from outside of all, but not from one level of nesting to another.
    """
    mine = surroundings.groups.get(surroundings.task_id, ())
    theirs = surroundings.groups.get(step, ())
    if mine == theirs or not set(mine) & set(theirs):
        return None
    return (
        f"step {step!r} is at another level of nested mapped groups than {surroundings.task_id!r}, and Airflow can't tell which "
        "of its instances belongs here: hand the value into the group as an argument, and give it to inputs="
    )


def _dashed_step(source: str, surroundings: Surroundings) -> ExpressionProblem | None:
    """Find ``steps.fetch-order``, which is a subtraction where a step's name was meant."""
    if "-" not in source:
        return None
    bare = _STRINGS.sub(lambda found: " " * len(found.group()), source)
    for match in re.finditer(r"(?<![\w.])steps\.(\w+(?:-\w+)+)", bare):
        name = match.group(1)
        candidates = [task for task in surroundings.tasks if "-" in task and name.startswith(task)]
        if candidates:
            task = max(candidates, key=len)
            line = source.count("\n", 0, match.start()) + 1
            column = match.start() - (source.rfind("\n", 0, match.start()) + 1) + 1
            return ExpressionProblem(f'steps.{task} is a subtraction; write steps["{task}"]', line, column)
    return None


def _nearest(step: str, surroundings: Surroundings) -> str | None:
    for task in sorted(surroundings.upstream):
        if task.endswith("." + step):
            return task
    for pool in (surroundings.upstream, surroundings.tasks - {surroundings.task_id}):
        if found := difflib.get_close_matches(step, sorted(pool), n=1):
            return found[0]
    return None


def _as_written(step: str) -> str:
    return f"steps.{step}" if step.isidentifier() else f'steps["{step}"]'


def _variable_name(task_id: str) -> str:
    name = task_id.rpartition(".")[2]
    return re.sub(r"\W", "_", name)
