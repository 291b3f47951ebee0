"""What our sensors share that wait on a worker or in the triggerer."""

from __future__ import annotations

import time
from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator

from airflow_provider_cloudfn.triggers.deferral import defer

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.sdk.definitions.context import Context
    from airflow.triggers.base import BaseTrigger

__all__ = ["DeferringSensor"]


class DeferringSensor(BaseSensorOperator):
    """A sensor that waits as long as the service asks it to, and in the triggerer where it is deferrable."""

    deferrable: bool
    #: How many seconds the service has asked to wait.
    _asked_to_wait = 0.0
    #: When to give up, by the clock of this process that nobody sets.
    _deadline: float | None = None

    @abstractmethod
    def _trigger(self, left: float, first_wait: float) -> BaseTrigger:
        """Return what waits in the triggerer, for so many seconds, and asks first after so many."""

    def execute(self, context: Context) -> Any:
        """Wait."""
        if self._deadline is None:
            self._deadline = time.monotonic() + float(self.timeout)
        return super().execute(context)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """
        Go on after the triggerer has waited.

        Airflow's own takes any error for a reason to skip then, with ``soft_fail``; on a worker only those are that end a wait.
        """
        from airflow.sdk.exceptions import AirflowFailException, AirflowSensorTimeout, AirflowSkipException

        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except AirflowSkipException as skipped:
            cause = skipped.__cause__
            ends_wait = isinstance(cause, (AirflowSkipException, AirflowSensorTimeout, AirflowFailException))
            if cause is None or ends_wait or self.never_fail:
                raise
            raise cause from None

    # Airflow's own, though not public: what it asks for between two pokes, after all that it does about a poke that failed.
    def _get_next_poke_interval(self, started_at: Any, run_duration: Callable[[], float], poke_count: int) -> float:
        wait: float = super()._get_next_poke_interval(started_at, run_duration, poke_count)
        if self.deferrable:
            self._defer(max(wait, self._asked_to_wait))
        # A service that asks for a day, of a sensor that waits for ten minutes, is asked for the last time after these.
        return max(wait, min(self._asked_to_wait, float(self.timeout) - run_duration()))

    @property
    def _longest_interval(self) -> float:
        """Seconds that pauses grow to in the triggerer, as on a worker; 0 where they don't grow."""
        if not self.exponential_backoff:
            return 0.0
        return self.max_wait.total_seconds() if self.max_wait else float(self.timeout)

    def _defer(self, wait: float) -> None:
        from airflow.sdk.exceptions import AirflowSensorTimeout

        now = time.monotonic()
        left = (self._deadline or now) - now
        if left <= 0:
            raise AirflowSensorTimeout(f"Sensor has timed out; it has waited for {self.timeout} seconds.")
        defer(self, self._trigger(left, wait), left)
