"""Reads a list that grows for all watchers of it: what is new is read again until it is an event in the database."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any, Final

import msgspec
from airflow.triggers.shared_stream import AdvanceItem, SharedStreamProducer
from msgspec.structs import replace

from airflow_provider_cloudfn.client.response import Response
from airflow_provider_cloudfn.events.size_limit import is_too_large
from airflow_provider_cloudfn.exceptions import CloudFunctionError, ConfigurationError
from airflow_provider_cloudfn.triggers.items import ItemQuestion, ListPosition, NewItem
from airflow_provider_cloudfn.triggers.poll import in_condition_thread
from airflow_provider_cloudfn.triggers.shared_hooks import shared_hook

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence

    from airflow_provider_cloudfn.triggers.poll import NotYet
    from airflow_provider_cloudfn.triggers.shared_hooks import SharedHook

__all__ = ["ItemStream"]

_log = logging.getLogger(__name__)

#: Seconds until the next question where there may be more at once, and to what they grow where questions fail.
_SOON: Final = 1.0
_LONGEST: Final = 900.0


class ItemStream(SharedStreamProducer):
    """
    Asks a service for its items.

    Its progress stands in the asset state of each watcher's asset: a watcher that runs elsewhere, or after a restart, goes
    on from there. It moves when all events of an answer are in the database; so an event can come twice, and none is lost.

    :param question: What is asked.
    :param every: Seconds between two questions.
    :param backlog: Whether what is there when it asks for the first time is new.
    :param stores: Returns the asset states of its watchers.
    :param matches: Returns what says, for each of them, whether an item is an event.
    """

    def __init__(
        self,
        question: ItemQuestion,
        *,
        every: float,
        backlog: bool,
        stores: Callable[[], Iterable[Any]],
        matches: Callable[[], Iterable[Callable[[NewItem], bool]]],
    ) -> None:
        self._question = question
        self._every = every
        self._backlog = backlog
        self._stores = stores
        self._matches = matches
        self._key = f"cloudfn.items.{question.key()}"
        #: Set when it is known what became of the last items, and whether they are events.
        self._settled = asyncio.Event()
        self._are_kept = False

    async def open_stream(self) -> AsyncIterator[tuple[list[NewItem], ListPosition]]:
        """Yield the new items of each answer, and how far the list is read when they are events."""
        failures = 0
        async with shared_hook(self._question.conn_id) as shared:
            while True:
                pause = self._every
                try:
                    before = await self._progress()
                    answer = await self._ask(shared, before or ListPosition())
                    if isinstance(answer, Response):
                        items, after = await in_condition_thread(self._question.read, answer, before or ListPosition())
                        if before is None and not self._backlog:
                            items = []
                        # Before the first of them is an event: none is emitted again because another one has failed.
                        items = await asyncio.to_thread(
                            _within_limit, items, self._question.key(), list(self._matches())
                        )
                        if items:
                            self._settled.clear()
                            self._are_kept = False
                            yield items, after
                            await self._settled.wait()
                            pause = _SOON if self._are_kept else pause
                        elif after != before:
                            await self._keep(after)
                    else:
                        pause = max(pause, min(answer.seconds, _LONGEST))
                    failures = 0
                except Exception as error:
                    failures += 1
                    wanted = getattr(error, "retry_after", None) or 0.0
                    pause = max(_backed_off(self._every, failures), min(wanted, _LONGEST))
                    told = str(error) if isinstance(error, CloudFunctionError) else type(error).__name__
                    _log.warning(
                        "Asking %s for items failed, %d in a row; the next time in %g s: %s",
                        self._question.conn_id,
                        failures,
                        pause,
                        told,
                    )
                await asyncio.sleep(pause)

    async def advance(self, batch: Sequence[AdvanceItem]) -> None:
        """Move on behind what is in the database; what is not is read again."""
        if all(item.outcome.is_clean for item in batch):
            await self._keep(batch[-1].broker_payload)
        else:
            _log.warning("Not all events of %s are in the database: its items are read again", self._question.conn_id)
            self._settled.set()

    async def _ask(self, shared: SharedHook, progress: ListPosition) -> Response | NotYet:
        asked = await in_condition_thread(self._question.asked, progress)
        async with shared.asking() as hook:
            return await asked.aask(hook)

    async def _progress(self) -> ListPosition | None:
        found = []
        for store in self._stores():
            try:
                kept = await store.aget(self._key)
            except ValueError:
                raise ConfigurationError(
                    "several assets have a watcher with this trigger, and its progress is kept with one: give each another match"
                ) from None
            if kept is not None:
                found.append(msgspec.convert(kept, ListPosition))
        # Of watchers that have run apart, the one behind the others has not seen what they have.
        return min(found, key=lambda one: one.kept_at, default=None)

    async def _keep(self, progress: ListPosition) -> None:
        """Write down how far the list is read, and go on."""
        kept = replace(progress, kept_at=time.time())
        # Airflow takes what JSON has, and so no tuple.
        written = {**msgspec.to_builtins(kept), "ids": list(kept.ids)}
        for store in self._stores():
            await store.aset(self._key, written)
        self._are_kept = True
        self._settled.set()


def _within_limit(items: list[NewItem], question: str, matches: list[Callable[[NewItem], bool]]) -> list[NewItem]:
    return [
        item.within_limit(question) if is_too_large(item.value) and any(one(item) for one in matches) else item
        for item in items
    ]


def _backed_off(every: float, failures: int) -> float:
    return float(max(every, min(every * 2.0 ** min(failures - 1, 30), _LONGEST)))
