"""What becomes of a task's parameters where Airflow renders templates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_cloudfn.authoring import language
from airflow_provider_cloudfn.authoring.expressions import AFTER_CALL_VARIABLES, VARIABLES
from airflow_provider_cloudfn.authoring.reading import ARRIVES_TOO_LATE, read, render
from airflow_provider_cloudfn.authoring.rules import refuse
from airflow_provider_cloudfn.authoring.run_time_data import RunTimeData, arrived_in, marked_as_data
from airflow_provider_cloudfn.authoring.task import AuthoredTask
from airflow_provider_cloudfn.authoring.variables import TaskVariables
from airflow_provider_cloudfn.exceptions import ExpressionError, ExpressionProblem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import jinja2
    from airflow.sdk import BaseOperator
    from airflow.sdk.definitions.context import Context

    from airflow_provider_cloudfn.authoring.parameter import Parameter
else:
    BaseOperator = object

__all__ = ["ExpressionTask", "TemplatedTask"]


class TemplatedTask(BaseOperator):
    """
    A task in whose template fields Jinja is what its author wrote: what arrived at run time is data.

    All that we ship with template fields inherits from this, before Airflow's own class.
    """

    #: The parameters about which there are rules; those with expressions that are evaluated before the call are template
    #: fields too.
    authored_parameters: ClassVar[tuple[Parameter, ...]] = ()

    def _do_render_template_fields(
        self,
        parent: Any,
        template_fields: Iterable[str],
        context: Context,
        jinja_env: jinja2.Environment,
        seen_oids: set[int],
    ) -> None:
        """
        Render the template fields. Airflow calls this for plain and for mapped tasks alike.

        Its `seen_oids` do not tell what came from an XCom under ``expand_kwargs``, so the mapped operator itself is asked.
        """
        if parent is self:
            arrived = arrived_in(self, context)
            self._prepare(arrived, seen_oids)
            seen_oids.update(arrived.texts)
            # What is known to be data, before Airflow adds the marks that it meets.
            known = RunTimeData(arrived.parameters, arrived.texts, frozenset(seen_oids))
            template_fields = self._with_jinja(template_fields, arrived, jinja_env)
        super()._do_render_template_fields(parent, template_fields, context, jinja_env, seen_oids)
        if parent is self:
            self._render_expressions(context, known)

    def _with_jinja(self, names: Iterable[str], arrived: RunTimeData, environment: jinja2.Environment) -> list[str]:
        """Return the template fields that Jinja is run over."""
        without = arrived.parameters | {one.name for one in self.authored_parameters if one.reading and not one.jinja}
        is_plain = _is_plain if self._has_usual_jinja(environment) else _is_none
        return [name for name in names if name not in without and not is_plain(getattr(self, name))]

    def _has_usual_jinja(self, environment: jinja2.Environment) -> bool:
        """Return whether a template is known by its brace: a Dag can choose other marks, and a class files of templates."""
        marks = (environment.variable_start_string, environment.block_start_string, environment.comment_start_string)
        by_line = (environment.line_statement_prefix, environment.line_comment_prefix)
        return all("{" in mark for mark in marks) and not any(by_line) and not self.template_ext

    def _prepare(self, arrived: RunTimeData, known: set[int]) -> None:
        """Do what must be done before Jinja is run."""

    def _render_expressions(self, context: Context, arrived: RunTimeData) -> None:
        """Do what must be done after Jinja was run."""


class ExpressionTask(TemplatedTask):
    """A task whose parameters hold expressions: they are rendered with the template fields, once."""

    _expressions_rendered = False
    _read: TaskVariables | None = None

    def _do_render_template_fields(self, parent: Any, *args: Any, **kwargs: Any) -> None:
        """Render the template fields. Once is enough: what was rendered is data, and would be read as an expression."""
        if parent is not self or not self._expressions_rendered:
            super()._do_render_template_fields(parent, *args, **kwargs)

    def _prepare(self, arrived: RunTimeData, known: set[int]) -> None:
        """Put the mark of text on what arrived at run time, in the parameters of which nothing else is known."""
        if not arrived.texts:
            return
        for parameter in self.authored_parameters:
            if parameter.reading is None or parameter.name in arrived.parameters:
                continue
            value = getattr(self, parameter.name)
            if not parameter.after_call and id(value) in known:
                continue
            if parameter.after_call and id(value) in arrived.texts:
                raise ExpressionError(ARRIVES_TOO_LATE, field=parameter.name)
            setattr(self, parameter.name, marked_as_data(value, arrived.texts))

    def _render_expressions(self, context: Context, arrived: RunTimeData) -> None:
        """Turn the parameters that are evaluated before the call into plain values."""
        written = refuse(AuthoredTask(self), arrived)
        # One for all parameters: what several of them read of a step is pulled once.
        variables = self._variables(context)
        for parameter in self.authored_parameters:
            if parameter.reading is None or parameter.after_call:
                continue
            value = None
            if (node := written.get(parameter.name)) is not None:
                value = render(node, _evaluator(VARIABLES, variables), lambda found: found.resolve(context))
            if parameter.shape is not None:
                value = parameter.shape(parameter.name, value)
            setattr(self, parameter.name, value)
            if parameter.name == "inputs":
                variables = variables.with_inputs(value)
        self._read = variables
        self._expressions_rendered = True

    def _variables(self, context: Context) -> TaskVariables:
        """Return what expressions can name; what rendering has pulled of it is not pulled again."""
        # As they are by now: a `pre_execute` may have changed them.
        inputs = getattr(self, "inputs", None)
        if self._read is not None and self._read.are_of(context):
            return self._read.with_inputs(inputs)
        return TaskVariables(context, inputs=inputs)

    def _evaluate_after_call(self, name: str, variables: TaskVariables) -> Any:
        parameter = next(one for one in self.authored_parameters if one.name == name)
        evaluate = _evaluator(VARIABLES | AFTER_CALL_VARIABLES, variables)
        return render(read(parameter, getattr(self, name)), evaluate, lambda found: found)


def _evaluator(names: frozenset[str], variables: TaskVariables) -> Callable[[str], Any]:
    def evaluate(source: str) -> Any:
        program = language.compile(source, variables=names)
        try:
            return program.evaluate(variables)
        except ExpressionError as error:
            dates = [".".join(read.path[:2]) for read in program.references if read.path[:2] in _ABSENT_DATES]
            if not dates or variables["run"][dates[0].partition(".")[2]] is not None:
                raise
            raise _without_date(error, dates[0]) from error.__cause__
        except ImportError as error:
            # Where no task runs that could pull an XCom, as under `airflow tasks render`, Airflow lacks a name there.
            if error.name != "airflow.sdk.execution_time.task_runner":
                raise
            raise ExpressionError(_NOT_RUNNING) from None

    return evaluate


def _without_date(error: ExpressionError, date: str) -> ExpressionError:
    """Return an error that tells what a run has that an event started, instead of a date that it has not."""
    first, *others = error.problems
    hint = f"{first.message}; {date} is null, as this run was started by an event or by hand: use run.run_after"
    return type(error)([ExpressionProblem(hint, first.line, first.column), *others], source=error.source)


#: What a run that an event started has not.
_ABSENT_DATES = {("run", name) for name in ("logical_date", "data_interval_start", "data_interval_end")}

_NOT_RUNNING = (
    "reads what another step left, and Airflow gives that to a running task only: to see what the task sends, use "
    "`airflow cloudfn render <dag_id> <task_id>`, with --run-id for the values of a past run"
)


def _is_none(value: Any) -> bool:
    return value is None


def _is_plain(value: Any) -> bool:
    """Return whether a value is one that Jinja gives back as it is: to compile a template only to learn that is dear."""
    return value is None or (isinstance(value, str) and "{" not in value and not value.endswith("\n"))
