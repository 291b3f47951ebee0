"""A step that fails behind its call, on an Airflow whose next try could not know of it: that try would make the call again."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import (
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSkipException,
    AirflowTaskTimeout,
)

from airflow_provider_cloudfn.exceptions import CloudFunctionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_cloudfn.operators.base import ExpressionOperator

__all__ = ["FailedBehindItsCallError", "final_behind_the_call"]


class FailedBehindItsCallError(CloudFunctionError, AirflowFailException):
    """What a step fails with for good, whatever its retries are, as its call was carried out; the cause is its ``__cause__``."""


@contextmanager
def final_behind_the_call(task: ExpressionOperator) -> Iterator[None]:
    """
    Let a step fail for good that fails in this block behind a call which its next try would make again.

    :param task: The step's operator.
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
