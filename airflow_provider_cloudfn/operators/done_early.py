"""What is done of a batch while an item before it is still under way: it is written down too, and not only in its turn."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.client.daemon_thread import in_daemon_thread
from airflow_provider_cloudfn.journal.entries import ItemResult

if TYPE_CHECKING:
    from airflow_provider_cloudfn.operators.batch_items import BatchItem
    from airflow_provider_cloudfn.operators.batch_memory import BatchMemory

__all__ = ["DoneEarly"]


class DoneEarly:
    """
    The results whose turn has not come.

    :param memory: What is written down of the batch.
    """

    def __init__(self, memory: BatchMemory) -> None:
        self._memory = memory
        #: Whose turn it is to change what is written down.
        self.turn = asyncio.Lock()
        self._results: dict[int, ItemResult] = {}

    async def add(self, item: BatchItem, result: Any) -> None:
        """
        Take note of a result, and write it down with the others where it is time to.

        :param item: What it came of.
        """
        self._results[item.index] = ItemResult(index=item.index, key=item.key, result=result)
        if not self._memory.is_due:
            return
        async with self.turn:
            # What can't be written is an error of the batch where an item has its turn, and none of this item.
            with suppress(Exception):
                if self._memory.is_due:
                    self.hand_over()
                    await in_daemon_thread(self._memory.keep, "cloudfn-batch")

    def forget(self, item: BatchItem) -> None:
        """Leave an item to its turn, which has come."""
        self._results.pop(item.index, None)

    def hand_over(self) -> None:
        """Let the memory have all of them, for when it is written down the next time."""
        self._memory.take_ahead(*self._results.values())
