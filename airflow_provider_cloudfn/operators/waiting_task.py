"""What an operator has that waits for an event or a callback when its call is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import TaskDeferralTimeout

from airflow_provider_cloudfn.authoring.media_type import tell_media_type
from airflow_provider_cloudfn.authoring.wait_for import CALLBACK_URL, Callback
from airflow_provider_cloudfn.events.place import with_inlet
from airflow_provider_cloudfn.operators.polled_task import PolledTask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.sdk.definitions.context import Context

    from airflow_provider_cloudfn.authoring.run_time_data import RunTimeData
    from airflow_provider_cloudfn.authoring.wait_for import WaitFor
    from airflow_provider_cloudfn.client.request import Request
    from airflow_provider_cloudfn.client.response import Response
    from airflow_provider_cloudfn.operators.function_call import FunctionCall
    from airflow_provider_cloudfn.operators.storable import KeptBytes

__all__ = ["WaitingTask"]


class WaitingTask(PolledTask):
    """An operator whose call can be followed by a wait."""

    wait_for: WaitFor | Callback | None = None
    returns: Any
    #: What the trigger says, where the task goes on after a wait.
    waited_event: Any = None

    @classmethod
    def event_arguments(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        """
        Return the arguments of a mapped task that tell Airflow of its events: the one that it waits for is among its inlets.

        :param given: What all its instances are given.
        """
        event = getattr(given.get("wait_for"), "event", None)
        waited = {} if event is None else {"inlets": with_inlet(given.get("inlets"), event)}
        return {**super().event_arguments(given), **waited}

    def keep_bytes(self, kept: KeptBytes | None) -> None:
        """
        Know the answer's bytes by what is left of it, where this process has not got it itself.

        :param kept: What is left.
        """
        if self._response is None and kept is not None:
            self._kept_bytes = kept  # Airflow looks closely at all that is set.

    def execute_complete(self, context: Context, event: Any = None) -> Any:
        """Go on after the triggerer has waited."""
        if self.wait_for is None:
            return super().execute_complete(context, event)
        self.waited_event = event
        return self.execute(context)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Go on after a deferral; where Airflow has given up on the triggerer, it is looked once more."""
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except TaskDeferralTimeout:
            # Without a task state nobody knows that the call was made.
            if self.wait_for is None or "task_state_store" not in context:
                raise
            return self.execute(context)

    def _render_expressions(self, context: Context, arrived: RunTimeData) -> None:
        if isinstance(self.wait_for, Callback):
            from airflow_provider_cloudfn.operators.waiting import callback_url

            context[CALLBACK_URL] = callback_url(self, context)  # type: ignore[typeddict-unknown-key]  # no key of Airflow's own
        super()._render_expressions(context, arrived)

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
