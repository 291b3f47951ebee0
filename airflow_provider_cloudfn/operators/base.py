"""What our operators share: expressions in parameters, rendered where Airflow renders templates, and the completion event."""

from __future__ import annotations

import datetime as dt
import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import Asset, BaseOperator

from airflow_provider_cloudfn.authoring import language
from airflow_provider_cloudfn.authoring.expressions import AFTER_CALL_VARIABLES, VARIABLES, node_problems
from airflow_provider_cloudfn.authoring.reading import ARRIVES_TOO_LATE, Field, Node, data, read, render
from airflow_provider_cloudfn.authoring.run_time_data import arrived_at_run_time, marked_as_data, texts_that_arrived
from airflow_provider_cloudfn.authoring.value_checks import (
    EVENT_IS_EXPANDED,
    ParameterChecks,
    event_problem,
    exclusive_problem,
)
from airflow_provider_cloudfn.authoring.variables import TaskVariables, surroundings_of, task_instance_key
from airflow_provider_cloudfn.events.asset import CompletionEvent
from airflow_provider_cloudfn.events.record import RECORD_KEY, CompletionRecord
from airflow_provider_cloudfn.exceptions import ConfigurationError, ExpressionError
from airflow_provider_cloudfn.json_encoding import to_json_value
from airflow_provider_cloudfn.retry_policy import DEFAULT_RETRY_POLICY, retry_policy_argument

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import jinja2
    from airflow.sdk.definitions.context import Context
    from airflow.sdk.definitions.mappedoperator import OperatorPartial

__all__ = ["ExpressionOperator", "default_arguments"]


class ExpressionOperator(BaseOperator):
    """
    An operator with parameters that hold CEL expressions, and with a completion event.

    :param completion_event: A :class:`CompletionEvent`, or any asset, to emit when the step is done; added to ``outlets``.
        Default: the one completion event among ``outlets``.
    :param event_payload: What the event carries, as an expression over ``response`` and the rest, JSON text, or a dict with
        ``cel(…)`` in it. Default: what the step returns.
    :param retry_policy: When a failed task is tried again, within its ``retries``; default
        :class:`~airflow_provider_cloudfn.retry_policy.CloudFunctionRetryPolicy` from Airflow 3.3 on; None has none.
    """

    #: The parameters that can hold expressions. Those evaluated before the call are template fields too.
    cel_fields: ClassVar[tuple[Field, ...]] = ()
    #: What is checked of the parameters that hold no expression.
    parameter_checks: ClassVar[ParameterChecks] = {"completion_event": event_problem}
    #: Parameters of which one at most can be given.
    exclusive_parameters: ClassVar[tuple[tuple[str, str], ...]] = ()

    # The retry policy is a default of the signature: only there does Airflow find it for a mapped task.
    def __init__(
        self,
        *,
        completion_event: Asset | None = None,
        event_payload: Any = None,
        retry_policy: Any = DEFAULT_RETRY_POLICY,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs, **retry_policy_argument(retry_policy))
        if completion_event is None:
            completion_event = _event_among(self.outlets)
        self.completion_event = completion_event
        self.event_payload = event_payload
        self.outlets = _with_event(self.outlets, completion_event)
        self._expressions_rendered = False
        self._read: TaskVariables | None = None

    @classmethod
    def partial(cls, *, task_id: str, **kwargs: Any) -> OperatorPartial:
        """
        Begin a mapped task, as :meth:`BaseOperator.partial` does, with the completion event among its outlets.

        :param task_id: The task's id.
        :param kwargs: What every instance has in common. The completion event belongs here: it can't be expanded.
        """
        partial = super().partial(task_id=task_id, **kwargs)
        # Airflow serializes the outlets of the partial, not what `__init__` would make of them: the event would be lost.
        given = partial.kwargs
        shared = default_arguments(given.get("dag"), given.get("task_group"), kwargs)
        event = given.get("completion_event", shared.get("completion_event", _default_event(cls)))
        if event is None:
            event = _event_among(given.get("outlets"))
        if event is not None:
            given["outlets"] = _with_event(given.get("outlets"), event)
            given["completion_event"] = event
        return partial

    def _do_render_template_fields(
        self,
        parent: Any,
        template_fields: Iterable[str],
        context: Context,
        jinja_env: jinja2.Environment,
        seen_oids: set[int],
    ) -> None:
        """
        Render the template fields: expressions by us, the rest by Airflow.

        Airflow calls this for plain and for mapped tasks alike. Its `seen_oids` do not tell what came from an XCom under
        ``expand_kwargs``, so the mapped operator itself is asked; what arrived at run time is neither Jinja nor CEL, in
        whichever parameter the `__init__` of a user's own class has put it.
        """
        if parent is not self:
            super()._do_render_template_fields(parent, template_fields, context, jinja_env, seen_oids)
            return
        if self._expressions_rendered:
            # Once is enough: what was rendered is data, and would be read as an expression.
            return
        arrived = arrived_at_run_time(self, context)
        texts = texts_that_arrived(self, arrived)
        self._mark_as_data(texts, arrived, seen_oids)
        seen_oids.update(texts)
        # What is known to be data, before Airflow adds the marks that it meets.
        known = frozenset(seen_oids)
        without = arrived | self._fields_without_jinja
        is_plain = _is_plain if self._has_usual_jinja(jinja_env) else _is_none
        by_jinja = [name for name in template_fields if name not in without and not is_plain(getattr(self, name))]
        super()._do_render_template_fields(parent, by_jinja, context, jinja_env, seen_oids)
        self._render_expressions(context, arrived, known)

    def _has_usual_jinja(self, environment: jinja2.Environment) -> bool:
        """Return whether a template is known by its brace: a Dag can choose other marks, and a class files of templates."""
        marks = (environment.variable_start_string, environment.block_start_string, environment.comment_start_string)
        by_line = (environment.line_statement_prefix, environment.line_comment_prefix)
        return all("{" in mark for mark in marks) and not any(by_line) and not self.template_ext

    def _mark_as_data(self, texts: Mapping[int, str], arrived: frozenset[str], known: set[int]) -> None:
        """Put the mark of text on what arrived at run time, in the parameters of which nothing else is known."""
        if not texts:
            return
        for field in self.cel_fields:
            value = getattr(self, field.name)
            if field.name in arrived or (not field.after_call and id(value) in known):
                continue
            if field.after_call and id(value) in texts:
                raise ExpressionError(ARRIVES_TOO_LATE, field=field.name)
            setattr(self, field.name, marked_as_data(value, texts))

    @property
    def _fields_without_jinja(self) -> frozenset[str]:
        return frozenset(field.name for field in self.cel_fields if not field.jinja)

    def _render_expressions(self, context: Context, arrived: frozenset[str], known: frozenset[int]) -> None:
        """Turn the parameters that are evaluated before the call into plain values, once."""
        nodes = [(field, self._node(field, arrived, known)) for field in self.cel_fields]
        self._check(nodes, arrived)
        # One for all parameters: what several of them read of a step is pulled once.
        variables = self._variables(context)
        for field, node in nodes:
            if field.after_call:
                continue
            rendered = render(node, _evaluator(VARIABLES, variables), lambda found: found.resolve(context))
            shaped = self._shape(field, rendered)
            setattr(self, field.name, shaped)
            if field.name == "inputs":
                variables = variables.with_inputs(shaped)
        self._read = variables
        self._expressions_rendered = True

    def _node(self, field: Field, arrived: frozenset[str], known: frozenset[int]) -> Node:
        value = getattr(self, field.name)
        is_data = field.name in arrived or (
            not field.after_call and isinstance(value, (str, Mapping, list)) and id(value) in known
        )
        return data(value) if is_data else read(field, value, known)

    def _check(self, nodes: list[tuple[Field, Node]], arrived: frozenset[str]) -> None:
        """Refuse the task for anything that is wrong with any of its parameters, before anything is sent."""
        wrong = [
            f"{name}: {problem}"
            for name, check in self.parameter_checks.items()
            if name not in arrived and (problem := check(getattr(self, name))) is not None
        ]
        if "completion_event" in arrived:
            wrong.append(EVENT_IS_EXPANDED)
        for one, other in self.exclusive_parameters:
            if getattr(self, one) is not None and getattr(self, other) is not None:
                wrong.append(exclusive_problem(one, other))
        problems = [
            ExpressionError(ARRIVES_TOO_LATE, field=field.name)
            for field, _ in nodes
            if field.after_call and field.name in arrived
        ]
        surroundings = surroundings_of(self)
        problems += [problem for field, node in nodes for problem in node_problems(field, node, surroundings)]
        if len(problems) == 1 and not wrong:
            raise problems[0]
        if problems:
            raise ExpressionError("\n".join([*wrong, *(str(problem) for problem in problems)]))
        if wrong:
            raise ConfigurationError("\n".join(wrong))

    def _variables(self, context: Context) -> TaskVariables:
        """Return what expressions can name; what rendering has pulled of it is not pulled again."""
        # As they are by now: a `pre_execute` may have changed them.
        inputs = getattr(self, "inputs", None)
        if self._read is not None and self._read.are_of(context):
            return self._read.with_inputs(inputs)
        return TaskVariables(context, inputs=inputs)

    def _shape(self, field: Field, value: Any) -> Any:  # noqa: ARG002 - for those who override it
        """
        Return a rendered value in the form in which it is sent and shown.

        :param field: The parameter.
        :param value: Its value.
        :raises ExpressionError: for a value that the parameter can't have.
        """
        return value

    def _evaluate_after_call(self, name: str, variables: TaskVariables) -> Any:
        field = next(field for field in self.cel_fields if field.name == name)
        evaluate = _evaluator(VARIABLES | AFTER_CALL_VARIABLES, variables)
        return render(read(field, getattr(self, name)), evaluate, lambda found: found)

    def _storable(self, value: Any) -> Any:
        """
        Return a value in the form in which XCom and an event hold it.

        :param value: What the step returns, or the event carries.
        :raises ConfigurationError: for a value that JSON can't hold.
        """
        return to_json_value(value)

    def _complete(self, context: Context, *, function: str, result: Any, variables: TaskVariables) -> None:
        """
        Emit the completion event, if one is declared: into XCom and as the asset event's extra.

        Airflow registers the asset event when it takes the task's success, so a task that fails after this emits none; its
        record in XCom is passed over by those who read it: see
        :func:`~airflow_provider_cloudfn.events.run_events.emitted_by_success`.
        """
        if self.completion_event is None:
            return
        payload = result if self.event_payload is None else self._evaluate_after_call("event_payload", variables)
        try:
            record = CompletionRecord.of(
                task_instance_key(context),
                type=self.completion_event.name,
                function=function,
                result=result if self.event_payload is None else self._storable(payload),
                occurred_at=dt.datetime.now(tz=dt.UTC),
            )
        except ConfigurationError as error:
            raise ExpressionError(str(error), field="event_payload") from error
        written = record.to_dict()
        context["ti"].xcom_push(key=RECORD_KEY, value=written)
        event: Any = context["outlet_events"][self.completion_event]
        event.extra = written
        if getattr(self.completion_event, "one_run_per_event", False):
            event.add_partitions(record.id)
        self.log.info("Completed %s: event %s, id %s", function, record.type, record.id)


def _with_event(outlets: Any, event: Any) -> list[Any]:
    """Return the outlets with the event among them, in a list of its own: the default's is everybody's."""
    given = list(outlets) if isinstance(outlets, (list, tuple)) else [] if outlets is None else [outlets]
    return given if not isinstance(event, Asset) or event in given else [*given, event]


def _event_among(outlets: Any) -> CompletionEvent | None:
    """Return the one completion event among the outlets: a cloud function that has it there emits its record."""
    given = outlets if isinstance(outlets, (list, tuple)) else [outlets]
    events = [outlet for outlet in given if isinstance(outlet, CompletionEvent)]
    return events[0] if len(events) == 1 else None


def default_arguments(dag: Any, task_group: Any, kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return the default arguments of a mapped task: Airflow gives them to its instances, and not to the partial.

    :param dag: The task's Dag, or None.
    :param task_group: The task's group, or None.
    :param kwargs: What was given to ``partial()``.
    """
    shared: dict[str, Any] = {}
    for given in (
        getattr(dag, "default_args", None),
        getattr(task_group, "default_args", None),
        kwargs.get("default_args"),
    ):
        shared.update(given or {})
    return shared


def _default_event(operator: type[BaseOperator]) -> Any:
    """Return the completion event that a class of a user's own has as a default."""
    parameter = inspect.signature(operator.__init__).parameters.get("completion_event")
    return None if parameter is None or parameter.default is inspect.Parameter.empty else parameter.default


def _evaluator(names: frozenset[str], variables: TaskVariables) -> Callable[[str], Any]:
    def evaluate(source: str) -> Any:
        try:
            return language.compile(source, variables=names).evaluate(variables)
        except ImportError as error:
            # What Airflow says where no task runs that could pull an XCom, as under `airflow tasks render`.
            if "SUPERVISOR_COMMS" not in str(error):
                raise
            raise ExpressionError(_NOT_RUNNING) from None

    return evaluate


_NOT_RUNNING = (
    "reads what another step left, and Airflow gives that to a running task only: to see what the task sends, use "
    "`airflow cloudfn render <dag_id> <task_id>`, with --run-id for the values of a past run"
)


def _is_none(value: Any) -> bool:
    return value is None


def _is_plain(value: Any) -> bool:
    """Return whether a value is one that Jinja gives back as it is: to compile a template only to learn that is dear."""
    return value is None or (isinstance(value, str) and "{" not in value and not value.endswith("\n"))
