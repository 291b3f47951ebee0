"""When a failed task is tried again: Airflow's retry policy (3.3), told by what our errors know about themselves."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn.exceptions import CloudFunctionError, ConfigurationError, seconds_text

if TYPE_CHECKING:
    from airflow.sdk import RetryDecision, RetryPolicy
    from airflow.sdk.definitions.context import Context
else:
    try:
        from airflow.sdk import RetryDecision, RetryPolicy
    except ImportError:  # Airflow 3.2 has none: a task is tried again as its `retries` and `retry_delay` say.
        RetryDecision, RetryPolicy = None, object

__all__ = ["DEFAULT_RETRY_POLICY", "CloudFunctionRetryPolicy", "retry_policy_argument"]

#: How often one try waits as the service asks: one that says "in a second" for ever is not asked for ever.
_MOST_WAITS: Final = 100


@dataclass(frozen=True)
class CloudFunctionRetryPolicy(RetryPolicy):
    """
    Try a task again only when that can help, and when the service says that it can.

    An error that no retry can help (wrong credentials, a wrong expression, most answers of 4xx) fails the task at once. After
    an answer with ``Retry-After`` the worker slot is free until then, whatever ``retry_delay`` says. In all else Airflow goes
    on as ever. How often a task is tried stays the user's: never more than ``retries``.

    From Airflow 3.4 on, a wait that the service asks for uses up none of these tries, as long as the waits of one try are no
    more than 100, and take no longer than `longest_wait` in all. A task without ``retries`` is never called again.

    It is the default of our operators and sensors from Airflow 3.3 on, where it is part of their signature, because that is
    where Airflow looks for the default of a mapped task.

    :param longest_wait: Seconds, or a timedelta: for longer than that no ``Retry-After`` is believed.
    :raises ConfigurationError: when that is nothing above 0.
    """

    longest_wait: float | dt.timedelta = dt.timedelta(days=1)

    def __post_init__(self) -> None:
        if isinstance(self.longest_wait, bool) or not 0 < self._longest_seconds < float("inf"):
            raise ConfigurationError(
                f"longest_wait: must be seconds above 0, or a timedelta, not {self.longest_wait!r}"
            )

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,
        max_tries: int,
        context: Context | None = None,
    ) -> RetryDecision:
        """
        Decide what becomes of a task that failed.

        :param exception: Why it failed.
        :param try_number: Which try that was, counted from 1.
        :param max_tries: How many there may be.
        :param context: The task's Airflow context.
        """
        if not isinstance(exception, CloudFunctionError):
            return RetryDecision.default()
        if not exception.retryable:
            return RetryDecision.fail(f"{type(exception).__name__}: trying again unchanged can't help")
        if exception.retry_after is None:
            return RetryDecision.default()
        seconds = min(exception.retry_after, self._longest_seconds)
        wait, reason = dt.timedelta(seconds=seconds), f"the service asks to come back after {seconds_text(seconds)}"
        reschedule = getattr(RetryDecision, "reschedule", None)  # Airflow 3.4
        if reschedule is None or not _has_retries(try_number, max_tries, context):
            return RetryDecision.retry(wait, reason)
        decision: RetryDecision = reschedule(
            wait,
            max_reschedules=_MOST_WAITS,
            reschedule_timeout=dt.timedelta(seconds=self._longest_seconds),
            reason=reason,
        )
        return decision

    def serialize(self) -> dict[str, Any]:
        """Return the policy as JSON."""
        return {"longest_wait": self._longest_seconds}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> CloudFunctionRetryPolicy:
        """
        Return the policy that :meth:`serialize` wrote.

        :param data: What it wrote.
        """
        return cls(longest_wait=data["longest_wait"])

    @property
    def _longest_seconds(self) -> float:
        wait = self.longest_wait
        return wait.total_seconds() if isinstance(wait, dt.timedelta) else wait


def _has_retries(try_number: int, max_tries: int, context: Context | None) -> bool:
    """Return whether a task may be tried again at all: an author who says no is not called again by a wait either."""
    retries = getattr(None if context is None else context.get("task"), "retries", None)
    return try_number <= max_tries if retries is None else retries > 0


#: What our operators and sensors do unless they are told otherwise; None where Airflow has no retry policies.
DEFAULT_RETRY_POLICY: CloudFunctionRetryPolicy | None = (
    CloudFunctionRetryPolicy() if RetryDecision is not None else None
)


def retry_policy_argument(policy: Any) -> dict[str, Any]:
    """
    Return a policy as the keyword argument of Airflow's ``BaseOperator``, which has none of that name in Airflow 3.2.

    :param policy: The policy, or None.
    """
    return {} if policy is None else {"retry_policy": policy}
