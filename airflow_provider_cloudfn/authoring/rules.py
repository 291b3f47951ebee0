"""Every rule about what is written for a task's parameters: the Dag's parser, the command line and the worker ask here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from airflow_provider_cloudfn.authoring.expressions import written_problems
from airflow_provider_cloudfn.authoring.reading import ARRIVES_TOO_LATE, Written, data, read
from airflow_provider_cloudfn.authoring.task import AuthoredTask, is_reference
from airflow_provider_cloudfn.exceptions import ConfigurationError, ExpressionError, ExpressionProblem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_cloudfn.authoring.parameter import Parameter
    from airflow_provider_cloudfn.authoring.run_time_data import RunTimeData

__all__ = ["Problem", "expression_problems", "refuse", "task_problems", "value_problems"]

#: Airflow registers the producers of an asset before any instance is there.
_EVENT_IS_EXPANDED: Final = "it can't be expanded; give it to partial()"
#: A value from another step is there only in the parameters that Airflow renders.
_NO_TEMPLATE_FIELD: Final = (
    "can't come from another step, because it is no template field: write it in the Dag file, or expand() over the step"
)


class Problem(Struct, frozen=True):
    """
    Something that is wrong with a task.

    :param task_id: The task.
    :param field: The parameter, or the place in it, such as ``query["since"]``.
    :param message: What is wrong, and what to do.
    :param line: Where in the expression, counted from 1; None where it is about none.
    :param column: Where in that line.
    :param source: The expression; None where it is about none.
    """

    task_id: str
    field: str
    message: str
    line: int | None = None
    column: int | None = None
    source: str | None = None

    def error(self) -> ExpressionError:
        """Return the problem as an error, whose text shows the place in the expression."""
        return ExpressionError(
            [ExpressionProblem(self.message, self.line, self.column)], source=self.source, field=self.field
        )

    def shown(self) -> str:
        """Return the problem with its place in the expression, without its task and its field."""
        return str(ExpressionError(self.error().problems, source=self.source))

    def __str__(self) -> str:
        return str(self.error())


def task_problems(task: AuthoredTask, arrived: RunTimeData | None = None) -> list[Problem]:
    """
    Return all that is wrong with a task of ours.

    :param task: The task.
    :param arrived: What has arrived at run time, before the call; None while the Dag is parsed.
    """
    return [*expression_problems(task, arrived), *value_problems(task, arrived)]


def expression_problems(
    task: AuthoredTask, arrived: RunTimeData | None = None, found: dict[str, Written] | None = None
) -> Iterator[Problem]:
    """
    Yield what is wrong with a task's expressions, each with its place.

    :param task: The task.
    :param arrived: As of :func:`task_problems`.
    :param found: Gets what was read at run time, by parameter: of those that have a value.
    """
    surroundings = task.surroundings
    for parameter in task.parameters:
        if parameter.reading is None:
            continue
        if parameter.after_call and parameter.name in (
            task.expanded_over_steps if arrived is None else arrived.parameters
        ):
            yield Problem(task.task_id, parameter.name, ARRIVES_TOO_LATE)
            continue
        for value in task.written(parameter.name):
            if value is None:
                continue
            written = read(parameter, value) if arrived is None else _read_at_run_time(parameter, value, arrived)
            if found is not None:
                found[parameter.name] = written
            for error in written_problems(parameter, written, surroundings):
                first = error.problems[0]
                yield Problem(
                    task.task_id, error.field or parameter.name, first.message, first.line, first.column, error.source
                )


def value_problems(task: AuthoredTask, arrived: RunTimeData | None = None) -> Iterator[Problem]:
    """
    Yield what is wrong with a task's parameters besides their expressions.

    :param task: The task.
    :param arrived: As of :func:`task_problems`.
    """
    for parameter in task.parameters:
        if parameter.check is None or (arrived is not None and parameter.name in arrived.parameters):
            continue
        for value in task.written(parameter.name):
            if (message := _value_problem(task, parameter, value, arrived)) is not None:
                yield Problem(task.task_id, parameter.name, message)
    for parameter in task.parameters:
        pair = {parameter.name, parameter.instead_of}
        if parameter.instead_of and any(pair <= given for given in task.given({parameter.name, parameter.instead_of})):
            message = "give one of them, they are two ways to say the same"
            yield Problem(task.task_id, f"{parameter.instead_of} and {parameter.name}", message)
    if "completion_event" in (task.expanded if arrived is None else arrived.parameters):
        yield Problem(task.task_id, "completion_event", _EVENT_IS_EXPANDED)


def _value_problem(task: AuthoredTask, parameter: Parameter, value: Any, arrived: RunTimeData | None) -> str | None:
    is_template_field = parameter.name in task.kind.template_fields
    if is_reference(value):
        return None if is_template_field else _NO_TEMPLATE_FIELD
    # What a user made a template field gets its value at run time only.
    is_template = is_template_field and parameter.reading is None and isinstance(value, str) and "{" in value
    return None if parameter.check is None or (arrived is None and is_template) else parameter.check(value)


def _read_at_run_time(parameter: Parameter, value: Any, arrived: RunTimeData) -> Written:
    """Read a parameter's value before the call: what arrived at run time is data in it."""
    is_data = parameter.name in arrived.parameters or (not parameter.after_call and arrived.holds(value))
    return data(value) if is_data else read(parameter, value, arrived.objects)


def refuse(task: AuthoredTask, arrived: RunTimeData) -> dict[str, Written]:
    """
    Refuse a task for anything that is wrong with any of its parameters, before anything is sent.

    :param task: The task.
    :param arrived: What arrived at run time.
    :returns: What was read of the parameters that have a value, by name: to be rendered without reading them again.
    :raises ExpressionError: for what is wrong with an expression, and all else besides.
    :raises ConfigurationError: where only values are wrong that are no expressions.
    """
    wrong = list(value_problems(task, arrived))
    found: dict[str, Written] = {}
    problems = list(expression_problems(task, arrived, found))
    if len(problems) == 1 and not wrong:
        raise problems[0].error()
    if wrong or problems:
        kind = ExpressionError if problems else ConfigurationError
        raise kind("\n".join(str(problem) for problem in (*wrong, *problems)))
    return found
