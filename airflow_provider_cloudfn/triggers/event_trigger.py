"""Events of services that can't push: a trigger for an ``AssetWatcher``, which asks for what is new."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from airflow_provider_cloudfn.authoring.value_checks import seconds
from airflow_provider_cloudfn.exceptions import ConfigurationError, ExpressionError
from airflow_provider_cloudfn.json_encoding import timestamp_text, to_json_value
from airflow_provider_cloudfn.triggers.items import OF_ITEM, ItemQuestion, compiled
from airflow_provider_cloudfn.triggers.poll import in_condition_thread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Hashable, Mapping

    from airflow_provider_cloudfn.triggers.item_stream import ItemStream
    from airflow_provider_cloudfn.triggers.items import NewItem

__all__ = ["CloudFunctionEventTrigger"]

#: Seconds that lie between two questions at least.
_LEAST: Final = 1.0

#: The watchers in this process that share a question, by its key.
_watchers: defaultdict[Hashable, WeakSet[CloudFunctionEventTrigger]] = defaultdict(WeakSet)


class CloudFunctionEventTrigger(BaseEventTrigger):
    """
    Ask a service for a list that grows, and emit an event for each item that was not there before. It needs Airflow 3.3.

    It asks with ``GET``, over a connection. All watchers with the same question share it, each with its own `match`. A failure
    doubles the pause, up to 15 minutes, and is told in the triggerer's log.

    :param cloudfn_conn_id: The connection, of type ``cloudfn`` or ``amazon_connect``.
    :param uri: CEL over ``cursor``: the path below the connection's base URL.
    :param query: The query, as a dict; each value is CEL over ``cursor``, null leaves it out.
    :param headers: Headers, as `query`.
    :param items: CEL over ``response``: the list of items.
    :param id: CEL over ``item``: what an item is known by. The last thousand are remembered, and all of the last answer.
    :param cursor: CEL over ``response`` and ``cursor``: what ``cursor`` is in the next question. It is null in the first.
    :param match: CEL over ``item``: whether it is an event. Default: each is.
    :param every: Seconds between two questions.
    :param backlog: Whether what is there at the first question is new.
    :raises ExpressionError: for an expression that is none.
    :raises ConfigurationError: for an Airflow that keeps no state of assets, and a pause that can't be.
    """

    def __init__(
        self,
        *,
        cloudfn_conn_id: str = "cloudfn_default",
        uri: str,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        items: str = "response.body",
        id: str = "item.id",
        cursor: str | None = None,
        match: str | None = None,
        every: float = 60.0,
        backlog: bool = False,
    ) -> None:
        if not hasattr(BaseEventTrigger, "create_shared_stream_producer"):
            raise ConfigurationError(
                "CloudFunctionEventTrigger needs the state of assets, which this Airflow does not keep: upgrade to Airflow 3.3, "
                "or ask in a Dag with a schedule"
            )
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow's has no types
        self.question = ItemQuestion(
            conn_id=cloudfn_conn_id,
            uri=uri,
            query=dict(query or {}),
            headers=dict(headers or {}),
            items=items,
            id=id,
            cursor=cursor,
        )
        self.question.check()
        self.match = match
        self.every = max(_LEAST, seconds("every", every))
        self.backlog = backlog
        if match is not None:
            compiled("match", match, OF_ITEM)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what the trigger's row holds."""
        question = self.question
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            "cloudfn_conn_id": question.conn_id,
            "uri": question.uri,
            "query": dict(question.query),
            "headers": dict(question.headers),
            "items": question.items,
            "id": question.id,
            "cursor": question.cursor,
            "match": self.match,
            "every": self.every,
            "backlog": self.backlog,
        }

    def shared_stream_key(self) -> Hashable:
        """Return what watchers have in common that share one question."""
        key = ("cloudfn", self.question.key(), self.every, self.backlog)
        _watchers[key].add(self)
        return key

    @classmethod
    def create_shared_stream_producer(cls, kwargs: dict[str, Any]) -> ItemStream:
        """Return what asks for all watchers of a question."""
        from airflow_provider_cloudfn.triggers.item_stream import ItemStream

        one = cls(**kwargs)
        key = one.shared_stream_key()
        return ItemStream(
            one.question,
            every=one.every,
            backlog=one.backlog,
            stores=lambda: [other.asset_state_store for other in _watchers[key] if other.asset_state_store is not None],
            matches=lambda: [other.matches for other in _watchers[key]],
        )

    async def filter_shared_stream(self, shared_stream: AsyncIterator[Any]) -> AsyncIterator[TriggerEvent]:
        """Yield an event for each new item that matches."""
        async for items in shared_stream:
            for item in await in_condition_thread(self._matching, items):
                yield TriggerEvent(self._record(item))  # type: ignore[no-untyped-call]  # Airflow's has no types

    def run(self) -> AsyncIterator[TriggerEvent]:
        """Refuse to ask for one watcher alone: without a shared stream nobody says which events are in the database."""
        raise ConfigurationError(
            "CloudFunctionEventTrigger asks for all watchers of a question at once: give it to an AssetWatcher"
        )

    async def cleanup(self) -> None:
        """Leave those that share its question."""
        _watchers[self.shared_stream_key()].discard(self)

    def matches(self, item: NewItem) -> bool:
        """Tell whether an item is an event."""
        if self.match is None:
            return True
        try:
            return compiled("match", self.match, OF_ITEM).evaluate({"item": item.value}) is not False
        except ExpressionError as error:
            # An event too many is seen; one too few is not.
            self.log.warning("match has no value for item %s, which is emitted: %s", item.id, error)
            return True

    def _matching(self, items: list[NewItem]) -> list[NewItem]:
        return [item for item in items if self.matches(item)]

    def _record(self, item: NewItem) -> dict[str, Any]:
        """Return the completion record of an item; its type is the asset's name, which a reader knows."""
        metadata = {
            "specversion": "1.0",
            "id": to_json_value(item.id),
            "source": f"airflow/{self.question.conn_id}",
            "occurredAt": timestamp_text(dt.datetime.now(tz=dt.UTC)),
        }
        if item.dataref is not None:
            return {"metadata": {**metadata, "dataref": item.dataref}, "result": None}
        return {"metadata": metadata, "result": item.value}
