"""What becomes of a task's parameters where Airflow renders templates."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_cloudfn.authoring import language
from airflow_provider_cloudfn.authoring.absent_dates import absent_date, absent_dates_explained
from airflow_provider_cloudfn.authoring.instance_label import label_instance
from airflow_provider_cloudfn.authoring.media_type import not_json
from airflow_provider_cloudfn.authoring.options import ITEM_VARIABLES, declared_by, parts_of, with_marks, with_parts
from airflow_provider_cloudfn.authoring.reading import ARRIVES_TOO_LATE, read
from airflow_provider_cloudfn.authoring.rules import refuse
from airflow_provider_cloudfn.authoring.run_time_data import RunTimeData, arrived_in, marked_as_data
from airflow_provider_cloudfn.authoring.task import AuthoredTask
from airflow_provider_cloudfn.authoring.variables import TaskVariables
from airflow_provider_cloudfn.authoring.vocabulary import AFTER_CALL_VARIABLES, VARIABLES
from airflow_provider_cloudfn.authoring.written import Plain, Renderer, formulas, renderer, resolved
from airflow_provider_cloudfn.exceptions import ExpressionError, ExpressionProblem, require_truth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import jinja2
    from airflow.sdk import BaseOperator
    from airflow.sdk.definitions.context import Context

    from airflow_provider_cloudfn import cel
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

    def render_template_fields(self, context: Context, jinja_env: jinja2.Environment | None = None) -> None:
        """
        Render the template fields.

        :param jinja_env: Jinja's environment; default the Dag's, which is made only where there is a template: it takes as long
            to make as all that a plain task renders.
        """
        if jinja_env is None and not self._has_templates():
            self._do_render_template_fields(self, self.template_fields, context, None, set())
        else:
            super().render_template_fields(context, jinja_env)

    def _do_render_template_fields(
        self,
        parent: Any,
        template_fields: Iterable[str],
        context: Context,
        jinja_env: jinja2.Environment | None,
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
            template_fields = () if jinja_env is None else self._with_jinja(template_fields, arrived, jinja_env)
        if jinja_env is not None:
            with absent_dates_explained(context):
                super()._do_render_template_fields(parent, template_fields, context, jinja_env, seen_oids)
        if parent is self:
            self._render_expressions(context, known)

    def render_template(
        self,
        content: Any,
        context: Context,
        jinja_env: jinja2.Environment | None = None,
        seen_oids: set[int] | None = None,
    ) -> Any:
        """
        Render a value. A text in which no template begins stays as it is: Jinja writes its line breaks anew, and none at its end.

        :param content: The value.
        :param context: The task's Airflow context.
        :param jinja_env: Jinja's environment; default the Dag's.
        :param seen_oids: What is data.
        """
        if isinstance(content, str):
            jinja_env = jinja_env or self.get_template_env()
            if self._is_known_by_marks(jinja_env) and not any(mark in content for mark in _marks(jinja_env)):
                return content
        return super().render_template(content, context, jinja_env, seen_oids)

    def _has_templates(self) -> bool:
        """Return whether there may be something for Jinja to render."""
        dag = self.get_dag()
        makers = [self.get_template_env] if dag is None else [self.get_template_env, dag.get_template_env]
        # What the marks are that a user's own class gives it is seen in the environment only.
        is_airflows_own = all(str(maker.__module__).startswith("airflow.") for maker in makers)
        if self.template_ext or not is_airflows_own or (dag is not None and dag.jinja_environment_kwargs):
            return True
        expressions = self._read_as_expressions()
        return any(not _is_plain(getattr(self, name)) for name in self.template_fields if name not in expressions)

    def _read_as_expressions(self) -> set[str]:
        return {one.name for one in self.authored_parameters if one.reading and not one.jinja}

    def _with_jinja(self, names: Iterable[str], arrived: RunTimeData, environment: jinja2.Environment) -> list[str]:
        """Return the template fields that Jinja is run over."""
        without = arrived.parameters | self._read_as_expressions()
        is_plain = _is_plain if self._has_usual_jinja(environment) else _is_none
        return [name for name in names if name not in without and not is_plain(getattr(self, name))]

    def _has_usual_jinja(self, environment: jinja2.Environment) -> bool:
        """Return whether a template is known by its brace: a Dag can choose other marks."""
        return self._is_known_by_marks(environment) and all("{" in mark for mark in _marks(environment))

    def _is_known_by_marks(self, environment: jinja2.Environment) -> bool:
        """Return whether a template has a mark where it begins: a Dag can have those of a line, and a class files."""
        by_line = (environment.line_statement_prefix, environment.line_comment_prefix)
        return not any(by_line) and not self.template_ext

    def _prepare(self, arrived: RunTimeData, known: set[int]) -> None:
        """Do what must be done before Jinja is run."""

    def _render_expressions(self, context: Context, arrived: RunTimeData) -> None:
        """Do what must be done after Jinja was run."""


class ExpressionTask(TemplatedTask):
    """A task whose parameters hold expressions: they are rendered with the template fields, once."""

    _expressions_rendered = False
    #: Whether the parameter `inputs` holds what expressions read, and not a function that is called when the task runs.
    inputs_are_given = True
    #: Whether some parameters are evaluated for each item.
    has_items = False
    #: What is evaluated for each item, and after the call: read once.
    _item_renderers: dict[str, tuple[Parameter, Renderer]]
    _item_constants: dict[str, Any]
    #: With the names of the variables that it can read.
    _renderers_after_call: dict[tuple[str, frozenset[str]], Renderer]
    _read: TaskVariables | None = None

    def prepare(self, context: Context) -> None:
        """Turn what has not been rendered by now into plain values: all that is evaluated before the call."""
        if not self._expressions_rendered:
            self.render_template_fields(context)

    def take_inputs(self, context: Context) -> None:
        """Let `inputs` hold what expressions read."""

    def _do_render_template_fields(self, parent: Any, *args: Any, **kwargs: Any) -> None:
        """Render the template fields. Once is enough: what was rendered is data, and would be read as an expression."""
        if parent is not self or not self._expressions_rendered:
            super()._do_render_template_fields(parent, *args, **kwargs)

    def _prepare(self, arrived: RunTimeData, known: set[int]) -> None:
        """Put the mark of text on what arrived at run time, in the parameters of which nothing else is known."""
        if not arrived.texts:
            return

        def marked(parameter: Parameter, value: Any) -> Any:
            if parameter.after_call and id(value) in arrived.texts:
                raise ExpressionError(ARRIVES_TOO_LATE, field=parameter.name)
            return marked_as_data(value, arrived.texts)

        for parameter in self.authored_parameters:
            if parameter.name in arrived.parameters:
                continue
            given = getattr(self, parameter.name)
            # A class of a user's own may make a value with parts of what arrived.
            value = with_marks(given, marked, parameter.name)
            if parameter.reading is not None and (parameter.after_call or id(value) not in known):
                value = marked(parameter, value)
            if value is not given:
                setattr(self, parameter.name, value)

    def _render_expressions(self, context: Context, arrived: RunTimeData) -> None:
        """Turn the parameters that are evaluated before the call into plain values."""
        written = refuse(AuthoredTask(self), arrived)
        self._item_renderers, self._item_constants, self._renderers_after_call = {}, {}, {}

        def resolve(reference: Any) -> Any:
            return reference.resolve(context)

        # As it is written: it can turn out null.
        self.has_items = getattr(self, "for_each", None) is not None or "for_each" in arrived.parameters
        # One for all parameters: what several of them read of a step is pulled once.
        variables = self._variables(context)
        for parameter in self.authored_parameters:
            if parameter.after_call:
                continue
            if parameter.per_item and self.has_items:
                node = resolved(written.get(parameter.name, Plain(None)), resolve)
                self._item_renderers[parameter.name] = (parameter, renderer(node, _evaluation(_WITH_ITEM)))
                if all(language.compile(one.source, variables=_WITH_ITEM).is_constant for one in formulas(node)):
                    self._item_constants[parameter.name] = self.for_item(parameter.name, variables)
                continue
            value = given = getattr(self, parameter.name)
            if parameter.reading is not None:
                node = resolved(written.get(parameter.name, Plain(None)), resolve)
                value = renderer(node, _evaluation(VARIABLES))(variables)
            if parameter.shape is not None:
                value = parameter.shape(parameter.name, value)
            if value is not None:
                value = with_parts(value, partial(self._rendered_part, context, variables, arrived), parameter.name)
            # Airflow looks for steps in each value that is set.
            if value is not given:
                setattr(self, parameter.name, value)
            if parameter.name == "inputs":
                variables = variables.with_inputs(value)
        self._read = variables
        self._expressions_rendered = True
        label_instance(self, context)

    def _rendered_part(
        self, context: Context, variables: TaskVariables, arrived: RunTimeData, part: Parameter, value: Any
    ) -> Any:
        if arrived.holds(value):
            return value
        if part.jinja:
            with absent_dates_explained(context):
                value = self.render_template(value, context, self.get_template_env())
        node = resolved(read(part, value), lambda reference: reference.resolve(context))
        return renderer(node, _evaluation(VARIABLES))(variables)

    def for_item(self, name: str, variables: TaskVariables) -> Any:
        """
        Return what a parameter is for one item.

        :param variables: What its expressions can name, the item among it.
        """
        if name in self._item_constants:
            return self._item_constants[name]
        parameter, render = self._item_renderers[name]
        value = render(variables)
        return value if parameter.shape is None else parameter.shape(name, value)

    def _variables(self, context: Context) -> TaskVariables:
        """Return what expressions can name; what rendering has pulled of it is not pulled again."""
        # As they are by now: a `pre_execute` may have changed them.
        inputs = getattr(self, "inputs", None)
        if self._read is not None and self._read.are_of(context):
            return self._read.with_inputs(inputs)
        return TaskVariables(context, inputs=inputs)

    def evaluate_after_call(self, name: str, variables: TaskVariables) -> Any:
        """
        Return what an expression gives that is evaluated when the answer is there.

        :param name: The parameter, or a part of one, such as ``pages.items``.
        """
        key = name, variables.names
        if (render := self._renderers_after_call.get(key)) is None:
            node = read(*self.written(name))
            render = self._renderers_after_call[key] = renderer(node, _evaluation(variables.names))
        return render(variables)

    def leads_nowhere(self, name: str, variables: TaskVariables) -> bool:
        """Return whether a part that is evaluated when the answer is there is a path of which something is not there."""
        return all(
            language.compile(formula.source, variables=variables.names).leads_nowhere(variables)
            for formula in formulas(read(*self.written(name)))
        )

    def truth_after_call(self, name: str, variables: TaskVariables) -> bool:
        """
        Return what a condition gives that is evaluated when the answer is there.

        :param name: The parameter, or a part of one.
        :raises ExpressionError: when that is no bool.
        """
        return require_truth(self.evaluate_after_call(name, variables), field=name)

    def reads_body(self, *, but: str = "", of: str = "response") -> bool:
        """
        Return whether an expression that is evaluated after the call needs the body to be what its Content-Type says.

        :param but: An option that is not asked about, such as ``poll``.
        :param of: The variable that is the answer: ``job`` for the one that has started a job.
        """
        from airflow_provider_cloudfn.client.response import reads_body

        return any(reads_body(program.paths, of=of) for program in self._programs_after_call(but))

    def _programs_after_call(self, but: str) -> Iterator[cel.Program]:
        for declared, written, names in declared_by(self):
            if declared.after_call and declared.name.partition(".")[0] != but:
                for formula in formulas(read(declared, written)):
                    yield language.compile(formula.source, variables=VARIABLES | AFTER_CALL_VARIABLES | names)

    def written(self, name: str) -> tuple[Parameter, Any]:
        """
        Return what is declared of a parameter, or of a part of one, and what is written there.

        :param name: Such as ``returns``, ``pages.items`` or ``completion_events["order.paid"]``.
        """
        option = name.partition("[")[0].partition(".")[0]
        declared, value = next(one for one in self.authored_parameters if one.name == option), getattr(self, option)
        parts = ((declared, value), *parts_of(option, value))
        return next((part, written) for part, written in parts if part.name == name)


def _evaluation(names: frozenset[str]) -> Callable[[str], Renderer]:
    """
    Return what :func:`renderer` asks for what evaluates an expression.

    :param names: The variables that expressions can read.
    """

    def evaluation(source: str) -> Renderer:
        program = language.compile(source, variables=names)

        def evaluate(variables: Mapping[str, Any]) -> Any:
            try:
                return program.evaluate(variables)
            except ExpressionError as error:
                first, *others = error.problems
                if (hint := _hint(program, variables)) is None:
                    raise
                said = ExpressionProblem(f"{first.message}; {hint}", first.line, first.column)
                raise type(error)([said, *others], source=error.source) from error.__cause__
            except ImportError as error:
                # Where no task runs that could pull an XCom, as under `airflow tasks render`, Airflow lacks a name there.
                if error.name != "airflow.sdk.execution_time.task_runner":
                    raise
                raise ExpressionError(_NOT_RUNNING) from None

        return evaluate

    return evaluation


def _hint(program: cel.Program, variables: Mapping[str, Any]) -> str | None:
    """Return what the author of an expression that fails may not know of what it reads."""
    paths = [read.path for read in program.references]
    if (date := absent_date(program, variables)) is not None:
        return f"run.{date} is null here, as this run was started by an event or by hand: use run.run_after"
    if "response" in variables and any(path[:2] == ("response", "body") for path in paths):
        answer = variables["response"]
        # What is left of it after a wait is what the expressions name.
        if "headers" in answer and (media_type := not_json(answer["headers"], answer["body"])) is not None:
            return f"the answer is {media_type}, not JSON"
    inputs = variables["inputs"] if any(path[0] == "inputs" and len(path) > 1 for path in paths) else None
    if isinstance(inputs, (list, tuple)) and len(inputs) == 2 and isinstance(inputs[0], str):
        return "where expand() goes over a dict, inputs is a pair: inputs[0] is the key, inputs[1] its value"
    return None


_WITH_ITEM = VARIABLES | ITEM_VARIABLES

_NOT_RUNNING = (
    "reads what another step left, and Airflow gives that to a running task only: to see what the task sends, use "
    "`airflow cloudfn render <dag_id> <task_id>`, with --run-id for the values of a past run"
)


def _is_none(value: Any) -> bool:
    return value is None


def _marks(environment: jinja2.Environment) -> tuple[str, str, str]:
    return environment.variable_start_string, environment.block_start_string, environment.comment_start_string


def _is_plain(value: Any) -> bool:
    """Return whether a value is one that has no template: to compile one only to learn that is dear."""
    return value is None or (isinstance(value, str) and "{" not in value)
