"""Waits in the triggerer, without a worker, for an event or for a callback."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_cloudfn.triggers.event_reader import shared_reader
from airflow_provider_cloudfn.triggers.wait import Wait, WaitEvent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

__all__ = ["EventWaitTrigger"]

#: Seconds until it is the worker's turn where the API server does not answer: at first, doubled each time, and at most.
_SOONEST: Final = 5.0
_LATEST: Final = 900.0


class EventWaitTrigger(BaseTrigger):
    """
    Wait until what is waited for has come. All waits of a triggerer ask the API server together.

    Where that can't be asked, the worker looks at intervals that grow: nothing is missed, only later.

    :param wait: What is waited for, a :class:`~airflow_provider_cloudfn.triggers.wait.Wait` or what its ``to_dict`` wrote.
    :param seconds: How many are left. They count from here, so that no two clocks need agree; after a restart of the triggerer
        they begin anew, up to the timeout that Airflow has been given for the trigger.
    :param looks: How often in a row it was the worker's turn.
    """

    def __init__(self, *, wait: Wait | Mapping[str, Any], seconds: float, looks: int = 0) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow's has no types
        self.wait = wait if isinstance(wait, Wait) else Wait.from_dict(wait)
        self.seconds = seconds
        self.looks = looks

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what the trigger's row holds."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            "wait": self.wait.to_dict(),
            "seconds": self.seconds,
            "looks": self.looks,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait; yields one :class:`WaitEvent`, as its ``to_dict``."""
        end = time.monotonic() + self.seconds
        patience = min(_SOONEST * 2 ** min(self.looks, 30), _LATEST)
        async with shared_reader().waiting(self.wait, patience) as told:
            await asyncio.wait((told,), timeout=self.seconds)
            outcome = told.result() if told.done() else "late"
        looks = self.looks + 1 if outcome == "look" else 0
        why = shared_reader().failure if outcome == "look" else ""
        event = WaitEvent(outcome, max(0.0, end - time.monotonic()), self.wait.to_dict(), looks, why)
        yield TriggerEvent(event.to_dict())  # type: ignore[no-untyped-call]  # Airflow's has no types
