"""What our operators share: expressions in parameters, rendered where Airflow renders templates, and the completion event."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Self

from airflow.sdk import BaseOperator

from airflow_provider_cloudfn.authoring.arrows import DEPENDS_ON_WHAT_IT_READS
from airflow_provider_cloudfn.authoring.emit import SEVERAL_EVENTS
from airflow_provider_cloudfn.authoring.expanding import refuse_expressions
from airflow_provider_cloudfn.authoring.parameter import Parameter, Reading
from airflow_provider_cloudfn.authoring.parameter_names import refuse_misspelt_names
from airflow_provider_cloudfn.authoring.rendering import ExpressionTask
from airflow_provider_cloudfn.authoring.task import default_arguments
from airflow_provider_cloudfn.authoring.value_checks import events_problem, own_event_problem
from airflow_provider_cloudfn.exceptions import ConfigurationError, ExpressionError
from airflow_provider_cloudfn.hooks.registry import hook_for
from airflow_provider_cloudfn.json_encoding import to_json_value
from airflow_provider_cloudfn.operators.completion import complete, require_options
from airflow_provider_cloudfn.operators.outlets import event_among, mapped_event_arguments, with_events
from airflow_provider_cloudfn.operators.pushed_result import push_result, returns_as_it_is
from airflow_provider_cloudfn.operators.recorded_task import RecordedTask
from airflow_provider_cloudfn.operators.storable import (
    KeptBytes,
    described_bytes,
    require_form,
    require_xcom,
)
from airflow_provider_cloudfn.retry_policy import DEFAULT_RETRY_POLICY, retry_policy_argument

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.sdk import Asset
    from airflow.sdk.definitions.context import Context
    from airflow.sdk.definitions.mappedoperator import OperatorPartial

    from airflow_provider_cloudfn import cel
    from airflow_provider_cloudfn.authoring.run_time_data import RunTimeData
    from airflow_provider_cloudfn.authoring.variables import TaskVariables
    from airflow_provider_cloudfn.client.response import Response

__all__ = ["ExpressionOperator"]


class ExpressionOperator(RecordedTask, ExpressionTask, BaseOperator):
    """
    An operator with parameters that hold CEL expressions, and with a completion event.

    :param completion_event: A :class:`CompletionEvent`, or any asset, to emit when the step is done; added to ``outlets``.
        Default: the one completion event among ``outlets``.
    :param event_payload: What the event carries, as an expression over ``response`` and the rest, JSON text, or a dict with
        ``cel(…)`` in it. Default: what the step returns.
    :param emit_when: Whether the event is emitted, as an expression over the same. Default: always.
    :param event_key: The partition key of an event with ``one_run_per_event=True``, as an expression over the same that gives
        text or an integer. Default: the event's id.
    :param completion_events: Several events of one step, with what each carries: ``{"order.paid": 'response.body.id'}``. A
        value is what ``event_payload`` can be, None for what the step returns, or
        :class:`~airflow_provider_cloudfn.authoring.emit.Emit`.
    :param depends_on_what_it_reads: Whether the step runs behind each step that an expression of it names, without an arrow.
        Default: as ``[cloudfn] implicit_dependencies`` says.
    :param retry_policy: When a failed task is tried again, within its ``retries``; default
        :class:`~airflow_provider_cloudfn.retry_policy.CloudFunctionRetryPolicy` from Airflow 3.3 on; None has none.
    """

    #: The answer, as soon as it is there.
    _response: Response | None = None
    #: Of the answer, where another process got it.
    _kept_bytes: KeptBytes | None = None
    authored_parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("completion_event", check=own_event_problem),
        Parameter("event_payload", Reading.DOCUMENT, after_call=True),
        Parameter("emit_when", Reading.CONDITION, after_call=True),
        Parameter("event_key", Reading.VALUE, after_call=True),
        Parameter(SEVERAL_EVENTS, check=events_problem),
        DEPENDS_ON_WHAT_IT_READS,
    )

    def __new__(cls, *_args: Any, **kwargs: Any) -> Self:
        """Refuse a misspelt parameter, with the one that is meant."""
        refuse_misspelt_names(cls, kwargs)
        return super().__new__(cls)

    # The retry policy is a default of the signature: only there does Airflow find it for a mapped task.
    def __init__(
        self,
        *,
        completion_event: Asset | None = None,
        event_payload: Any = None,
        emit_when: str | cel.Expression | bool | None = None,
        event_key: Any = None,
        completion_events: Mapping[Asset | str, Any] | None = None,
        depends_on_what_it_reads: bool | None = None,
        retry_policy: Any = DEFAULT_RETRY_POLICY,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs, **retry_policy_argument(retry_policy))
        if completion_event is None:
            completion_event = event_among(self.outlets, completion_events)
        self.completion_event = completion_event
        self.event_payload = event_payload
        self.emit_when = emit_when
        self.event_key = event_key
        self.completion_events = completion_events
        self.depends_on_what_it_reads = depends_on_what_it_reads
        self.outlets = with_events(self.outlets, completion_event, completion_events)

    @classmethod
    def partial(cls, *, task_id: str, **kwargs: Any) -> OperatorPartial:
        """
        Begin a mapped task, as :meth:`BaseOperator.partial` does, with the completion event among its outlets.

        :param kwargs: What every instance has in common. The completion event belongs here: it can't be expanded.
        """
        refuse_misspelt_names(cls, {"task_id": task_id, **kwargs})
        partial = super().partial(task_id=task_id, **kwargs)
        refuse_expressions(partial)
        given = partial.kwargs
        shared = default_arguments(given.get("dag"), given.get("task_group"), kwargs)
        given.update(cls.event_arguments({**shared, **given}))
        return partial

    @classmethod
    def event_arguments(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments of a mapped task that tell Airflow of its completion event."""
        return mapped_event_arguments(cls, given)

    def hook(self) -> Any:
        """
        Return the hook over which the step's calls go.

        :raises ConfigurationError: when the connection is of no type for it, or wrong.
        """
        return hook_for(getattr(self, self.call_connection))

    def _render_expressions(self, context: Context, arrived: RunTimeData) -> None:
        """Turn the parameters that are evaluated before the call into plain values."""
        super()._render_expressions(context, arrived)
        require_options(self, context)

    def _storable(self, value: Any) -> Any:
        """
        Return a value in the form in which XCom and an event hold it; bytes have what is needed to use them.

        :param value: What the step returns, or the event carries.
        :raises ConfigurationError: for a value that JSON can't hold.
        """
        return to_json_value(value, bytes_as=partial(described_bytes, self._response or self._kept_bytes))

    def _place(self) -> str | None:
        """Return what stands for the map index in the ids of the step's events; None for the map index itself."""
        return None

    def _finish(
        self,
        context: Context,
        result: Any,
        variables: TaskVariables,
        *,
        is_storable: bool = False,
        size: int | None = None,
        summary: Mapping[str, Any] | None = None,
    ) -> Any:
        """
        Return what the step returns, in the form in which XCom holds it, when its events are emitted and it is pushed.

        :param result: What it is before that.
        :param variables: What the expressions of its events can name.
        :param is_storable: Whether it is of that form already, as the results of many calls are.
        :param size: How many bytes of JSON it has, where that is known.
        :param summary: What an event of many calls carries by default, in place of their results.
        :raises ExpressionError: for what JSON can't hold, or what Airflow would refuse.
        :raises LimitError: for more than XCom takes.
        """
        try:
            returned = result if is_storable else self._storable(result)
        except ConfigurationError as error:
            raise ExpressionError(str(error), field="returns") from error
        if returns_as_it_is(self):
            require_form(self, returned)
        if self.do_xcom_push:
            require_xcom(returned, self.log, size)
        if summary is not None:
            variables = variables.with_more(summary=summary, results=returned)
        complete(self, context, result=returned if summary is None else summary, variables=variables)
        push_result(self, context, returned)
        return returned
