"""What an operator has that waits when its call is done: for a job that the call has started, an event or a callback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from airflow.sdk.exceptions import TaskDeferralTimeout

from airflow_provider_cloudfn.authoring.media_type import tell_media_type
from airflow_provider_cloudfn.authoring.wait_for import CALLBACK_URL, Callback
from airflow_provider_cloudfn.events.asset import with_asset
from airflow_provider_cloudfn.operators.keyed_task import KeyedTask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.sdk.definitions.context import Context

    from airflow_provider_cloudfn.authoring.poll import Poll
    from airflow_provider_cloudfn.authoring.run_time_data import RunTimeData
    from airflow_provider_cloudfn.authoring.variables import TaskVariables
    from airflow_provider_cloudfn.authoring.wait_for import WaitFor
    from airflow_provider_cloudfn.client.query import ListStyle
    from airflow_provider_cloudfn.client.request import Request
    from airflow_provider_cloudfn.client.response import Response
    from airflow_provider_cloudfn.operators.cloudfn import CloudFunctionOperator
    from airflow_provider_cloudfn.operators.function_call import FunctionCall
    from airflow_provider_cloudfn.operators.object_storage import ObjectStorageSink
    from airflow_provider_cloudfn.operators.polling import PolledCall
    from airflow_provider_cloudfn.operators.settled import Settled
    from airflow_provider_cloudfn.operators.storable import KeptBytes

__all__ = ["WaitingTask"]


class WaitingTask(KeyedTask):
    """An operator whose call can start a job that is waited for, or be followed by a wait for something else."""

    cloudfn_conn_id: str
    list_style: ListStyle
    returns: Any
    poll: Poll | None = None
    wait_for: WaitFor | Callback | None = None
    deferrable: bool = False
    #: What is to know it when the task is killed.
    _under_way: PolledCall | None = None
    #: What the trigger says, where the task goes on after a deferral.
    trigger_event: Any = None

    @classmethod
    def event_arguments(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments of a mapped task that tell Airflow of its events: the one it waits for is among its inlets."""
        event = getattr(given.get("wait_for"), "event", None)
        waited = {} if event is None else {"inlets": with_asset(given.get("inlets"), event)}
        return {**super().event_arguments(given), **waited}

    def keep_bytes(self, kept: KeptBytes | None) -> None:
        """Know the answer's bytes by what is left of it, where this process has not got it itself."""
        if self._response is None and kept is not None:
            self._kept_bytes = kept  # Airflow looks closely at all that is set.

    def execute_complete(self, context: Context, event: Any = None) -> Any:
        """Go on after the triggerer has waited."""
        self.trigger_event = event
        return self.execute(context)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Go on after a deferral; where Airflow has given up on the triggerer, a job is told, and else it is looked once more."""
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except TaskDeferralTimeout:
            if self.poll is not None:
                from airflow_provider_cloudfn.operators.function_call import FunctionCall
                from airflow_provider_cloudfn.operators.polling import PolledCall

                self.prepare(context)
                call = FunctionCall(cast("CloudFunctionOperator", self), self.hook())
                PolledCall(call, context, self._variables(context)).end_late()
            # Without a task state nobody knows that the call was made.
            if self.wait_for is None or "task_state_store" not in context:
                raise
            return self.execute(context)

    def on_kill(self) -> None:
        """Let nothing more be sent, but tell the service that a job is not wanted any more, as ``cancel`` says."""
        super().on_kill()
        if self._under_way is not None:
            self._under_way.kill()

    def _render_expressions(self, context: Context, arrived: RunTimeData) -> None:
        if isinstance(self.wait_for, Callback):
            from airflow_provider_cloudfn.operators.waiting import callback_url

            context[CALLBACK_URL] = callback_url(self, context)  # type: ignore[typeddict-unknown-key]  # no key of Airflow's own
        super()._render_expressions(context, arrived)

    def _polled_answer(
        self, context: Context, call: FunctionCall, request: Request, sink: ObjectStorageSink | None
    ) -> tuple[Settled, TaskVariables]:
        """Return what came of a call that starts a job, and what expressions can name besides."""
        from airflow_provider_cloudfn.operators.polling import PolledCall

        self._under_way = polled = PolledCall(call, context, self._variables(context))
        return polled.settle(request, sink)

    def _carry_out_wait(self, context: Context, call: FunctionCall, request: Request) -> Any:
        """Make the call, wait, and return what came."""
        from airflow_provider_cloudfn.operators.waiting import WaitedCall

        variables = self._variables(context)

        def answer() -> Response:
            self._response = found = call.settle(context, request, variables, None).response
            tell_media_type(found, request.headers or {}, self.log)
            return found

        variables = WaitedCall(self, context).settle(answer, variables, call.hook.client().redaction)
        result = variables["event"]["result"]
        if self.returns is not None:
            result = self.evaluate_after_call("returns", variables)
        return self._finish(context, result, variables)
