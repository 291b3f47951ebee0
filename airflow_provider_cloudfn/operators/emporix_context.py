"""What a digital process knows: the context of a running instance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_cloudfn.authoring.parameter import Parameter, Reading
from airflow_provider_cloudfn.authoring.shapes import text_or_null
from airflow_provider_cloudfn.authoring.value_checks import connection_id_problem
from airflow_provider_cloudfn.hooks.emporix_api import EmporixApiHook
from airflow_provider_cloudfn.operators.calling_task import CallingTask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk.definitions.context import Context

__all__ = ["EmporixProcessContextOperator"]


class EmporixProcessContextOperator(CallingTask):
    """
    Read the context of an instance of a digital process: what each of its events carried, by the event's type.

    It asks the API of the connection, with its API client. No path to the context is published for Emporix' own engine: the
    field ``context_path`` of the connection says which one yours has.

    :param emporix_conn_id: The connection, of type ``emporix_oe``. (templated)
    :param instance_id: The instance, which its context has as ``instanceid``. (templated)
    :param returns: CEL over ``response`` and the rest, or a dict with ``cel(…)`` in it: what the step returns, such as
        ``response.body.context["order.found"]``. Default: ``response.body``, the whole document.
    :param completion_event: A :class:`CompletionEvent`, or any asset, to emit when it was read.
    :param event_payload: What that event carries. Default: what the step returns.
    :raises ConfigurationError: when the connection has no ``context_path``, or no API client.
    :raises CloudFunctionError: when there is no such instance, or it may not be read.
    """

    template_fields: Sequence[str] = ("emporix_conn_id", "instance_id")
    authored_parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("emporix_conn_id", check=connection_id_problem),
        Parameter("instance_id", Reading.MARKED, jinja=True, shape=text_or_null),
        Parameter("returns", Reading.VALUE, after_call=True),
        *CallingTask.authored_parameters,
    )
    ui_color = "#e4e8f7"
    call_connection: ClassVar[str] = "emporix_conn_id"

    def __init__(
        self, *, emporix_conn_id: str = "emporix_oe_default", instance_id: Any, returns: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.emporix_conn_id = emporix_conn_id
        self.instance_id = instance_id
        self.returns = returns

    def hook(self) -> EmporixApiHook:
        """Return the hook over which the API is asked."""
        return EmporixApiHook(self.emporix_conn_id)

    def carry_out(self, context: Context, hook: EmporixApiHook) -> Any:
        """Read the context for a task whose parameters have been rendered."""
        hook.name_calls(self.task_id)
        answer = self._response = hook.process_context(self.instance_id)
        variables = self._variables(context).with_response(answer.as_variable())
        result = answer.body if self.returns is None else self.evaluate_after_call("returns", variables)
        return self._finish(context, result, variables)
