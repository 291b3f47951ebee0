"""What our operators share: expressions in parameters, rendered where Airflow renders templates, and the completion event."""

from __future__ import annotations

import datetime as dt
import inspect
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import Asset, BaseOperator

from airflow_provider_cloudfn.authoring.parameter import Parameter, Reading
from airflow_provider_cloudfn.authoring.rendering import ExpressionTask
from airflow_provider_cloudfn.authoring.task import default_arguments
from airflow_provider_cloudfn.authoring.value_checks import event_problem
from airflow_provider_cloudfn.authoring.variables import STAND_IN, TaskVariables, task_instance_key
from airflow_provider_cloudfn.events.asset import CompletionEvent
from airflow_provider_cloudfn.events.record import RECORD_KEY, CompletionRecord
from airflow_provider_cloudfn.exceptions import ConfigurationError, ExpressionError
from airflow_provider_cloudfn.json_encoding import to_json_value
from airflow_provider_cloudfn.operators.outage import outlast
from airflow_provider_cloudfn.operators.storable import require_event, require_xcom
from airflow_provider_cloudfn.retry_policy import DEFAULT_RETRY_POLICY, retry_policy_argument

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context
    from airflow.sdk.definitions.mappedoperator import OperatorPartial

__all__ = ["ExpressionOperator"]

#: The XCom key of what a step returns.
RESULT_KEY = "return_value"


class ExpressionOperator(ExpressionTask, BaseOperator):
    """
    An operator with parameters that hold CEL expressions, and with a completion event.

    :param completion_event: A :class:`CompletionEvent`, or any asset, to emit when the step is done; added to ``outlets``.
        Default: the one completion event among ``outlets``.
    :param event_payload: What the event carries, as an expression over ``response`` and the rest, JSON text, or a dict with
        ``cel(…)`` in it. Default: what the step returns.
    :param retry_policy: When a failed task is tried again, within its ``retries``; default
        :class:`~airflow_provider_cloudfn.retry_policy.CloudFunctionRetryPolicy` from Airflow 3.3 on; None has none.
    """

    authored_parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("completion_event", check=event_problem),
        Parameter("event_payload", Reading.DOCUMENT, after_call=True),
    )

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

    def _storable(self, value: Any) -> Any:
        """
        Return a value in the form in which XCom and an event hold it.

        :param value: What the step returns, or the event carries.
        :raises ConfigurationError: for a value that JSON can't hold.
        """
        return to_json_value(value)

    def _returned(self, value: Any) -> Any:
        """
        Return what the step returns, in the form in which XCom holds it.

        :param value: What it is before that.
        :raises ExpressionError: for what JSON, or Airflow, can't hold.
        :raises LimitError: for more than XCom takes.
        """
        try:
            returned = self._storable(value)
        except ConfigurationError as error:
            raise ExpressionError(str(error), field="returns") from error
        if self.do_xcom_push:
            require_xcom(returned, self.log)
        return returned

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
        require_event(record.result, by_default=self.event_payload is None)
        written = record.to_dict()
        instance = context["ti"]
        outlast(
            lambda: instance.xcom_push(key=RECORD_KEY, value=written),
            "the record of a call that was carried out",
            self.log,
        )
        event: Any = context["outlet_events"][self.completion_event]
        event.extra = written
        if getattr(self.completion_event, "one_run_per_event", False):
            event.add_partitions(record.id)
        self.log.info("Completed %s: event %s, id %s", function, record.type, record.id)

    def _push_result(self, context: Context, returned: Any) -> None:
        """
        Push what the step returns, in Airflow's place: its own push gives up after five tries, and the task calls again.

        :param context: The task's Airflow context.
        :param returned: What the step returns.
        """
        task: Any = self
        push: Any = getattr(context["ti"], "xcom_push", None)
        if push is None or not self.do_xcom_push or returned is None or STAND_IN in context:
            return
        # Only Airflow's own push tells steps that are mapped over the result how long it is.
        if self.multiple_outputs or (task.has_dag() and any(task.iter_mapped_dependants())):
            return
        outlast(lambda: push(key=RESULT_KEY, value=returned), "the result of a call that was carried out", self.log)
        self.do_xcom_push = False


def _with_event(outlets: Any, event: Any) -> list[Any]:
    """Return the outlets with the event among them, in a list of its own: the default's is everybody's."""
    given = list(outlets) if isinstance(outlets, (list, tuple)) else [] if outlets is None else [outlets]
    return given if not isinstance(event, Asset) or event in given else [*given, event]


def _event_among(outlets: Any) -> CompletionEvent | None:
    """Return the one completion event among the outlets: a cloud function that has it there emits its record."""
    given = outlets if isinstance(outlets, (list, tuple)) else [outlets]
    events = [outlet for outlet in given if isinstance(outlet, CompletionEvent)]
    return events[0] if len(events) == 1 else None


def _default_event(operator: type[BaseOperator]) -> Any:
    """Return the completion event that a class of a user's own has as a default."""
    parameter = inspect.signature(operator.__init__).parameters.get("completion_event")
    return None if parameter is None or parameter.default is inspect.Parameter.empty else parameter.default
