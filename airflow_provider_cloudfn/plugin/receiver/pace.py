"""How often something may happen in this process, told at once and never waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_cloudfn.client.turns import Pace, ProcessTurns

if TYPE_CHECKING:
    from airflow_provider_cloudfn.client.rate_limit import Rate

__all__ = ["Paces"]


class Paces:
    """Counts by name. Unlike a call's limit, the whole of a rate may come at once: senders hand on what has gathered."""

    def __init__(self) -> None:
        self._turns: dict[object, ProcessTurns] = {}

    async def wait(self, name: object, rate: Rate) -> float:
        """
        Return 0 where it may be now, and it is counted then; otherwise in how many seconds.

        :param name: Whose it is.
        :param rate: How often.
        """
        pace = Pace(rate.interval, (rate.count - 1) * rate.interval)
        turn = await self._turns.setdefault(name, ProcessTurns()).take(pace, 0.0)
        return turn.wait
