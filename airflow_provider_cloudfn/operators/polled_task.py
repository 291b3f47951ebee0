"""What an operator has for a job that is waited for: going on after the triggerer, and what is told when it is killed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from airflow.sdk.exceptions import TaskDeferralTimeout

from airflow_provider_cloudfn.operators.keyed_task import KeyedTask

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

    from airflow_provider_cloudfn.authoring.poll import Poll
    from airflow_provider_cloudfn.authoring.variables import TaskVariables
    from airflow_provider_cloudfn.client.query import ListStyle
    from airflow_provider_cloudfn.client.request import Request
    from airflow_provider_cloudfn.operators.cloudfn import CloudFunctionOperator
    from airflow_provider_cloudfn.operators.function_call import FunctionCall
    from airflow_provider_cloudfn.operators.object_storage import ObjectStorageSink
    from airflow_provider_cloudfn.operators.polling import PolledCall
    from airflow_provider_cloudfn.operators.settled import Settled

__all__ = ["PolledTask"]


class PolledTask(KeyedTask):
    """An operator whose call can start a job that is waited for."""

    cloudfn_conn_id: str
    list_style: ListStyle
    poll: Poll | None = None
    deferrable: bool = False
    #: What is to know it when the task is killed.
    _under_way: PolledCall | None = None
    #: What the trigger says, where the task goes on after a deferral.
    polled_event: Any = None

    def execute_complete(self, context: Context, event: Any = None) -> Any:
        """Go on after the triggerer has waited for the job."""
        self.polled_event = event
        return self.execute(context)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Go on after a deferral; where Airflow has given up on the triggerer, the job is told."""
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except TaskDeferralTimeout:
            if self.poll is not None:
                from airflow_provider_cloudfn.operators.function_call import FunctionCall
                from airflow_provider_cloudfn.operators.polling import PolledCall

                self.prepare(context)
                call = FunctionCall(cast("CloudFunctionOperator", self), self.hook())
                PolledCall(call, context, self._variables(context)).end_late()
            raise

    def on_kill(self) -> None:
        """Let nothing more be sent, but tell the service that a job is not wanted any more, as ``cancel`` says."""
        super().on_kill()
        if self._under_way is not None:
            self._under_way.kill()

    def _polled_answer(
        self, context: Context, call: FunctionCall, request: Request, sink: ObjectStorageSink | None
    ) -> tuple[Settled, TaskVariables]:
        """Return what came of a call that starts a job, and what expressions can name besides."""
        from airflow_provider_cloudfn.operators.polling import PolledCall

        self._under_way = polled = PolledCall(call, context, self._variables(context))
        return polled.settle(request, sink)
