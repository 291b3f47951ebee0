"""``@task.cloudfn``: a cloud function whose ``inputs`` are what a Python function returns."""

from __future__ import annotations

import inspect
from collections import ChainMap
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self, cast

from airflow.sdk.bases.decorator import DecoratedOperator, _TaskDecorator
from msgspec.structs import replace

from airflow_provider_cloudfn.authoring.parameter_names import parameter_names
from airflow_provider_cloudfn.authoring.task import AuthoredTask
from airflow_provider_cloudfn.exceptions import ConfigurationError, nearest_name
from airflow_provider_cloudfn.operators.cloudfn import CloudFunctionOperator
from airflow_provider_cloudfn.operators.http_operator_names import refuse_http_operator_names
from airflow_provider_cloudfn.retry_policy import DEFAULT_RETRY_POLICY, retry_policy_argument

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from airflow.sdk import XComArg
    from airflow.sdk.bases.decorator import TaskDecorator
    from airflow.sdk.definitions.context import Context

    from airflow_provider_cloudfn.authoring.run_time_data import RunTimeData

__all__ = ["DecoratedCloudFunction", "cloudfn_task"]

#: What Airflow keeps with the arguments of a mapped function, and no operator is given.
_OF_AIRFLOW: Final = frozenset({"is_setup", "is_teardown", "on_failure_fail_dagrun"})


class DecoratedCloudFunction(DecoratedOperator, CloudFunctionOperator):
    """
    A cloud function whose ``inputs`` are what a Python function returns.

    What the function returns is data, as what arrives from XCom is: text in it is never run through Jinja, and never read as an
    expression. It is called when the task runs, on each try, and once more where the task goes on after a deferral.

    :param python_callable: The function.
    :param op_args: Its arguments by position. (templated)
    :param op_kwargs: Its arguments by name. (templated)
    :param kwargs: As of :class:`~airflow_provider_cloudfn.operators.cloudfn.CloudFunctionOperator`, without ``inputs``.
    :raises ConfigurationError: for a parameter that there is not, or a function that can't be called here.
    """

    template_fields: Sequence[str] = (*DecoratedOperator.template_fields, *CloudFunctionOperator.template_fields)
    template_fields_renderers: ClassVar[dict[str, str]] = {
        **DecoratedOperator.template_fields_renderers,
        **CloudFunctionOperator.template_fields_renderers,
    }
    custom_operator_name = "@task.cloudfn"
    # What expressions became is there only when the function has returned: the UI is told after the task has run.
    overwrite_rtif_after_execution = True
    inputs_are_given = False
    _arrived: RunTimeData | None = None

    def __new__(cls, *_args: Any, **kwargs: Any) -> Self:
        """Refuse what is no parameter, before Airflow speaks of what is missing."""
        if not kwargs.get("_airflow_from_mapped"):
            refuse_unknown_names(cls, kwargs)
        return super().__new__(cls, **kwargs)

    def __init__(
        self,
        *,
        python_callable: Callable[..., Any],
        op_args: Collection[Any] | None = None,
        op_kwargs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        refuse_function(python_callable)
        super().__init__(python_callable=python_callable, op_args=op_args, op_kwargs=op_kwargs, **kwargs)
        # Those of the default arguments are for the Dag's other cloud functions.
        self.inputs = None

    def prepare(self, context: Context) -> None:
        """Call the function, and turn all that is evaluated before the call into plain values."""
        self.take_inputs(context)
        if not self._expressions_rendered and self._arrived is not None:
            arrived = replace(self._arrived, parameters=self._arrived.parameters | {"inputs"})
            super()._render_expressions(context, arrived)

    def take_inputs(self, context: Context) -> None:
        """Call the function, once."""
        self.render_template_fields(context)
        if not self.inputs_are_given:
            # Its own arguments come before what the context calls the same.
            known: Any = ChainMap(dict(self.op_kwargs), cast("dict[str, Any]", context))
            self.inputs = self.python_callable(*self.op_args, **self.determine_kwargs(known))
            self.inputs_are_given = True

    def _do_render_template_fields(self, parent: Any, *args: Any, **kwargs: Any) -> None:
        """Render the template fields. Once is enough: the function's arguments are data from then on."""
        if parent is not self or self._arrived is None:
            super()._do_render_template_fields(parent, *args, **kwargs)

    def _with_jinja(self, *args: Any) -> list[str]:
        """Return the template fields that Jinja is run over: never what the function returned, or a sample of it."""
        return [name for name in super()._with_jinja(*args) if name != "inputs"]

    def _render_expressions(self, context: Context, arrived: RunTimeData) -> None:  # noqa: ARG002 - they read `inputs`
        """Leave the expressions until the function is called, in the task's own time and under its timeout."""
        self._arrived = arrived


class _DecoratedFunction(_TaskDecorator[Any, Any, Any]):
    """A function under ``@task.cloudfn``, which Airflow maps without asking its operator."""

    def expand(self, **map_kwargs: Any) -> XComArg:
        """Map the task over arguments of the function."""
        return _completed(super().expand(**map_kwargs))

    def expand_kwargs(self, kwargs: Any, *, strict: bool = True) -> XComArg:
        """Map the task over the function's arguments by name, one dict for each instance."""
        return _completed(super().expand_kwargs(kwargs, strict=strict))


def cloudfn_task(
    python_callable: Callable[..., Any] | None = None, *, multiple_outputs: bool = False, **kwargs: Any
) -> TaskDecorator:
    """
    Turn a function into a cloud function whose ``inputs`` it returns: ``@task.cloudfn(…)``.

    :param python_callable: The function.
    :param multiple_outputs: As of any task; what the function's annotation says is not what the step returns.
    :param kwargs: As of :class:`~airflow_provider_cloudfn.operators.cloudfn.CloudFunctionOperator`, without ``inputs``.
    :raises ConfigurationError: for a parameter that there is not, or a function that can't be called here.
    """

    def decorate(function: Callable[..., Any]) -> _DecoratedFunction:
        refuse_function(function)
        refuse_unknown_names(DecoratedCloudFunction, {"task_id": function.__name__, **kwargs})
        return _DecoratedFunction(
            function, DecoratedCloudFunction, multiple_outputs, dict(kwargs), decorator_name="task.cloudfn"
        )

    return cast("TaskDecorator", decorate if python_callable is None else decorate(python_callable))


def refuse_function(function: Any) -> None:
    """
    Refuse what can't be called for ``inputs``.

    :raises ConfigurationError: for no function, or one whose call returns no value.
    """
    if not callable(function):
        raise ConfigurationError(
            "@task.cloudfn: takes its parameters by name, such as @task.cloudfn(uri='\"/v1/orders\"')"
        )
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise ConfigurationError(
            f"@task.cloudfn {function.__name__!r}: is an async function; write an ordinary one, the operator makes the call"
        )
    if inspect.isgeneratorfunction(function):
        raise ConfigurationError(f"@task.cloudfn {function.__name__!r}: yields; return a list instead")


def refuse_unknown_names(operator: type, given: Mapping[str, Any]) -> None:
    """
    Refuse parameters that a decorated cloud function has not, with what to write instead.

    :raises ConfigurationError: where there is one.
    """
    refuse_http_operator_names(operator, given)
    known = parameter_names(operator) - {"self", "kwargs", "inputs"}
    for name in given:
        if name in known or name in _OF_AIRFLOW or name.startswith("_"):
            continue
        raise ConfigurationError(f"@task.cloudfn {given.get('task_id', '')!r}: {name}: {_instead_of(name, known)}")


def _instead_of(name: str, known: frozenset[str]) -> str:
    if name == "inputs":
        return "is what the function returns: leave it out"
    if name == "conn_id":
        return "write cloudfn_conn_id="
    near = nearest_name(name, sorted(known))
    return "is no parameter of a cloud function" + (f"; did you mean {near}?" if near else "")


def _completed(mapped: XComArg) -> XComArg:
    """Add to a mapped task what Airflow reads before an instance of it is made, as the operator's ``partial()`` does."""
    task = AuthoredTask(mapped.operator)  # type: ignore[attr-defined]  # a task's XComArg has it
    given = task.shared_arguments
    refuse_unknown_names(DecoratedCloudFunction, {"task_id": task.task_id, **task.arguments})
    if "uri" not in given:
        raise ConfigurationError(f"@task.cloudfn {task.task_id!r}: uri: is missing, which is the path of the call")
    added = {**retry_policy_argument(DEFAULT_RETRY_POLICY), **DecoratedCloudFunction.event_arguments(given)}
    if (name := given.get("function_name")) is not None:
        added["task_display_name"] = name
    changes = {key: value for key, value in added.items() if key in ("outlets", "inlets") or key not in task.arguments}
    task.add_arguments(changes)
    return mapped
