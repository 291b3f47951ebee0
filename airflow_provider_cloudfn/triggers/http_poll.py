"""Asks a service at intervals, in the triggerer, until it gives the answer."""

from __future__ import annotations

import asyncio
import math
import time
from typing import TYPE_CHECKING, Any, Literal

from airflow.triggers.base import BaseTrigger, TriggerEvent
from msgspec import Struct
from msgspec.structs import asdict

from airflow_provider_cloudfn.exceptions import ConfigurationError, ExpressionLimitError, LimitError
from airflow_provider_cloudfn.hooks.registry import ahook_for
from airflow_provider_cloudfn.triggers.poll import HttpPoll, NotYet
from airflow_provider_cloudfn.triggers.wire_format import NOT_OURS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

__all__ = ["HttpPollTrigger", "PollEvent"]


class PollEvent(Struct, frozen=True):
    """
    Why a trigger has stopped asking, as a wire format.

    :param outcome: ``found``: the answer came. ``failed``: an error came, which the worker meets again when it asks itself.
        ``late``: it was time to stop. ``large``: the answer is one that the worker has to read.
    :param reason: The error's class.
    :param left: How many seconds were left of the trigger's `deadline`; None where it had none.
    """

    outcome: Literal["found", "failed", "late", "large"]
    reason: str | None = None
    left: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the event as JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, written: Any) -> PollEvent:
        """
        Return the event that :meth:`to_dict` wrote.

        :raises ConfigurationError: when it is nothing of the kind.
        """
        if (
            not isinstance(written, dict)
            or written.get("outcome") not in ("found", "failed", "late", "large")
            or not _is_seconds(written.get("left"))
        ):
            raise ConfigurationError(NOT_OURS)
        return cls(written["outcome"], written.get("reason"), written.get("left"))


class HttpPollTrigger(BaseTrigger):
    """
    Ask a service until it gives the answer.

    Any error ends it, except where it shall go on: so it never asks more often than it is told to, whatever the service
    answers, and the task's log says what went wrong, because the worker asks once more itself.

    :param poll: The question, an :class:`~airflow_provider_cloudfn.triggers.poll.HttpPoll` or what its ``to_dict`` wrote.
    :param poll_interval: Seconds between two questions; a longer ``Retry-After`` is honoured.
    :param longest_interval: What they double up to, from question to question; not above `poll_interval`, they stay as they are.
    :param first_wait: Seconds until the first one; default `poll_interval`.
    :param go_on: Whether an error means "not yet".
    :param deadline: For how many seconds to ask, None for as long as Airflow lets it. They count from the first question's
        turn, by the triggerer's own clock, for the worker's may be another. A triggerer that is started again counts anew: then
        the time-out that the task gave Airflow with the trigger, which the database keeps, ends the wait.
    :param asks: Whether it asks at all; else it waits for the first question's turn, and leaves the asking to the worker.
    :raises ConfigurationError: for a `deadline` that is no number of seconds.
    """

    def __init__(
        self,
        *,
        poll: HttpPoll | Mapping[str, Any],
        poll_interval: float,
        longest_interval: float = 0.0,
        first_wait: float | None = None,
        go_on: bool = False,
        deadline: float | None = None,
        asks: bool = True,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow's has no types
        self.poll = poll if isinstance(poll, HttpPoll) else HttpPoll.from_dict(poll)
        self.poll_interval = poll_interval
        self.longest_interval = longest_interval
        self.first_wait = poll_interval if first_wait is None else first_wait
        self.go_on = go_on
        if not _is_seconds(deadline):
            raise ConfigurationError(
                f"deadline: must be seconds, not {deadline!r}; run the worker and the triggerer with the same version"
            )
        self.deadline = deadline
        self.asks = asks

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what the trigger's row holds."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            "poll": self.poll.to_dict(),
            "poll_interval": self.poll_interval,
            "longest_interval": self.longest_interval,
            "first_wait": self.first_wait,
            "go_on": self.go_on,
            "deadline": self.deadline,
            "asks": self.asks,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Ask until the answer is there; yields one :class:`PollEvent`, as its ``to_dict``."""
        wait, interval = self.first_wait, self.poll_interval
        end = None if self.deadline is None else time.monotonic() + self.deadline
        while True:
            left = _left(end)
            await asyncio.sleep(wait if left is None else min(wait, left))
            if left is not None and wait >= left:
                yield _event(PollEvent("late", left=0.0))
                return
            if not self.asks:
                yield _event(PollEvent("large", left=_left(end)))
                return
            try:
                hook = await ahook_for(self.poll.conn_id)
                answer = await self.poll.aask(hook)
            except Exception as error:  # whatever it is, the worker meets it too, where the user looks for it
                if isinstance(error, LimitError) and not isinstance(error, ExpressionLimitError):
                    yield _event(PollEvent("large", left=_left(end)))
                    return
                self.log.warning("Asking %s failed: %s", self.poll.conn_id, type(error).__name__)
                if not self.go_on:
                    yield _event(PollEvent("failed", type(error).__name__, _left(end)))
                    return
                answer = NotYet(getattr(error, "retry_after", None) or 0.0)
            if not isinstance(answer, NotYet):
                yield _event(PollEvent("found", left=_left(end)))
                return
            wait = max(interval, answer.seconds)
            interval = min(2 * interval, max(self.longest_interval, self.poll_interval))


def _left(end: float | None) -> float | None:
    return None if end is None else max(0.0, end - time.monotonic())


def _is_seconds(value: Any) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value))


def _event(event: PollEvent) -> TriggerEvent:
    return TriggerEvent(event.to_dict())  # type: ignore[no-untyped-call]  # Airflow's has no types
