"""What an operator has that makes a call: how it begins, and how it fails behind a call that its next try would make again."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import (
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSkipException,
    AirflowTaskTimeout,
)

from airflow_provider_cloudfn.exceptions import CloudFunctionError
from airflow_provider_cloudfn.operators.base import ExpressionOperator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.sdk.definitions.context import Context

__all__ = ["CallingTask", "FailedBehindItsCallError"]


class FailedBehindItsCallError(CloudFunctionError, AirflowFailException):
    """What a step fails with for good, whatever its retries are, as its call was carried out; the cause is its ``__cause__``."""


class CallingTask(ExpressionOperator):
    """An operator that makes a call over a hook when its parameters are rendered."""

    #: Whether its call was carried out, and the next try could not know.
    call_is_final = False

    def execute(self, context: Context) -> Any:
        """Make the call."""
        with _final_behind_the_call(self), self._recorded(context):
            self.prepare(context)
            return self.carry_out(context, self._watched(self.hook()))

    def carry_out(self, context: Context, hook: Any) -> Any:
        """Make the call of a task whose parameters have been rendered."""
        raise NotImplementedError


@contextmanager
def _final_behind_the_call(task: CallingTask) -> Iterator[None]:
    """
    Let a step fail for good that fails in this block behind a call which its next try would make again.

    :raises FailedBehindItsCallError: in that case.
    """
    task.call_is_final = False
    try:
        yield
    except (AirflowSkipException, AirflowRescheduleException, AirflowFailException):
        raise
    except (Exception, AirflowTaskTimeout) as error:
        if not task.call_is_final:
            raise
        raise FailedBehindItsCallError(
            f"{error}. What was sent was carried out, and this Airflow keeps nothing by which the next try could know it, as 3.3 "
            "does: it is not sent again by itself. Mend what is wrong; then mark the task as success, or clear it, which sends "
            "all of it anew. Where sending it twice does no harm, say so: on_unknown='resend', or an idempotency key",
            status=getattr(error, "status", None),
            request_id=getattr(error, "request_id", None),
        ) from error
