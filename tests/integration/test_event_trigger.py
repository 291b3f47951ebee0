"""Watchers of a list that grows, under Airflow's own sharing of streams: each new item is an event, and none is lost."""

from __future__ import annotations

import asyncio
import itertools
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.triggers.base import BaseEventTrigger
from kit.server import Answer, LoopbackServer
from pydantic import JsonValue, TypeAdapter

from airflow_provider_cloudfn import CloudFunctionEventTrigger, CompletionEvent
from airflow_provider_cloudfn.events.run_events import record_of
from airflow_provider_cloudfn.exceptions import ConfigurationError, ExpressionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kit.server import Received

pytestmark = pytest.mark.skipif(
    not hasattr(BaseEventTrigger, "create_shared_stream_producer"), reason="this Airflow keeps no state of assets"
)


class Orders:
    """A service with a list of orders, which is asked for those after a number."""

    def __init__(self) -> None:
        self.orders: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.failing = 0

    def reply(self, request: Received) -> Answer:
        self.asked.append(request.target)
        if self.failing:
            self.failing -= 1
            return Answer.of(500, {})
        after = int(request.target.partition("after=")[2] or 0)
        found = [one for one in self.orders if one["id"] > after][:3]
        return Answer.of(200, {"orders": found, "last": found[-1]["id"] if found else None})


class AssetState:
    """The state of one asset, as JSON."""

    def __init__(self) -> None:
        self.rows: dict[str, str] = {}

    async def aget(self, key: str) -> Any:
        return json.loads(self.rows[key]) if key in self.rows else None

    async def aset(self, key: str, value: Any) -> None:
        # As strict as Airflow's own.
        self.rows[key] = json.dumps(TypeAdapter(JsonValue).validate_python(value, strict=True))


@pytest.fixture
def service(connection: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Iterator[Orders]:
    from airflow_provider_cloudfn.triggers import event_trigger, item_stream

    monkeypatch.setattr(item_stream, "_SOON", 0.01)
    monkeypatch.setattr(event_trigger, "_LEAST", 0.01)
    made = Orders()
    with LoopbackServer(reply=made.reply) as server:
        connection("orders", conn_type="cloudfn", host=server.url)
        yield made


def watcher(state: AssetState, **more: Any) -> CloudFunctionEventTrigger:
    given = {"backlog": True, "every": 0.02, **more}
    trigger = CloudFunctionEventTrigger(
        cloudfn_conn_id="orders",
        uri='"/orders"',
        query={"after": "cursor"},
        items="response.body.orders",
        id="string(item.id)",
        cursor="response.body.last",
        **given,
    )
    trigger.asset_state_store = state  # type: ignore[assignment]  # the triggerer's accessor has more
    return trigger


class Triggerer:
    """Runs watchers as Airflow's triggerer does: shared streams, and events that are confirmed when they are persisted."""

    def __init__(self, *, persists: bool = True, ack_timeout: float = 300.0) -> None:
        import structlog
        from airflow.triggers.shared_stream import SharedStreamManager

        self.persists = persists
        self.streams = SharedStreamManager(
            log=structlog.get_logger(), max_subscriber_queue=64, ack_timeout=ack_timeout, cohort_grace_period=0.05
        )
        self.events: list[list[Any]] = []

    async def run(self, *watchers: CloudFunctionEventTrigger, until: Callable[[], bool]) -> list[list[Any]]:
        self.events = [[] for _ in watchers]
        tasks = [asyncio.create_task(self._run(number, one)) for number, one in enumerate(watchers)]
        async with asyncio.timeout(30):
            while not until():  # noqa: ASYNC110 - what is waited for is not told
                await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.streams.stop_all()
        return self.events

    async def _run(self, number: int, trigger: CloudFunctionEventTrigger) -> None:
        key = trigger.shared_stream_key()
        stream = self.streams.subscribe(trigger_id=number, trigger=trigger, key=key)
        try:
            async for event in trigger.filter_shared_stream(stream):
                seq = self.streams.bind_pending_event(trigger_id=number, key=key)
                if self.persists:
                    self.events[number].append(event.payload)
                    if seq is not None:
                        self.streams.confirm_persisted([seq])
        finally:
            await trigger.cleanup()


def made_of(payload: dict[str, Any]) -> Any:
    """Return the asset event that Airflow makes of what a watcher has emitted."""
    asset = SimpleNamespace(name="order.created", uri="x-cloudfn://completion-event/order.created")
    return SimpleNamespace(extra={"from_trigger": True, "payload": payload}, asset=asset)


def ids(events: list[Any]) -> list[str]:
    return [event["metadata"]["id"] for event in events]


def run(triggerer: Triggerer, *watchers: Any, until: Callable[[], bool]) -> list[list[Any]]:
    return asyncio.run(triggerer.run(*watchers, until=until))


def test_each_new_item_is_an_event_once_over_a_restart(service: Orders) -> None:
    state, triggerer = AssetState(), Triggerer()
    service.orders = [{"id": number, "total": number} for number in range(1, 8)]

    first = run(
        triggerer, watcher(state), until=lambda: len(triggerer.events[0]) >= 7 and "after=7" in service.asked[-1]
    )
    service.orders.append({"id": 8, "total": 8})
    again = Triggerer()
    second = run(again, watcher(state), until=lambda: len(again.events[0]) >= 1 and "after=8" in service.asked[-1])

    assert (ids(first[0]), ids(second[0])) == ([str(number) for number in range(1, 8)], ["8"])
    assert first[0][0]["result"] == {"id": 1, "total": 1}


def test_many_watchers_share_a_question_each_with_its_match(service: Orders) -> None:
    triggerer = Triggerer()
    service.orders = [{"id": number, "total": number} for number in range(1, 4)]

    events = run(
        triggerer,
        *(watcher(AssetState(), match=f"item.total == {number}") for number in range(1, 4)),
        until=lambda: all(triggerer.events) and "after=3" in service.asked[-1],
    )

    assert [ids(one) for one in events] == [["1"], ["2"], ["3"]]
    assert [target for target in service.asked if "after" not in target] == ["/orders"]


def test_a_watcher_that_was_away_gets_what_came_meanwhile(service: Orders) -> None:
    here, away = AssetState(), AssetState()

    def watched(*states: AssetState, seen: str) -> list[list[Any]]:
        triggerer = Triggerer()
        return run(
            triggerer,
            *map(watcher, states),
            until=lambda: (
                all(seen in ids(events) for events in triggerer.events) and f"after={seen}" in service.asked[-1]
            ),
        )

    service.orders = [{"id": 1, "total": 1}]
    watched(here, away, seen="1")
    service.orders.append({"id": 2, "total": 2})
    watched(here, seen="2")

    service.orders.append({"id": 3, "total": 3})
    together = watched(here, away, seen="3")

    assert ids(together[1]) == ["2", "3"]


def test_what_was_not_persisted_is_read_again(service: Orders) -> None:
    state = AssetState()
    service.orders = [{"id": 1}]
    lost = Triggerer(persists=False)
    run(lost, watcher(state), until=lambda: bool(service.asked))
    assert state.rows == {}

    triggerer = Triggerer()
    events = run(triggerer, watcher(state), until=lambda: bool(triggerer.events[0]))

    assert ids(events[0]) == ["1"]


def test_what_is_there_at_the_first_question_is_no_event_by_default(service: Orders) -> None:
    triggerer = Triggerer()
    service.orders = [{"id": 1}]

    def until() -> bool:
        if "after=1" in service.asked[-1] and len(service.orders) == 1:
            service.orders.append({"id": 2})
        return bool(service.asked) and bool(triggerer.events[0])

    service.asked.append("")

    assert ids(run(triggerer, watcher(AssetState(), backlog=False), until=until)[0]) == ["2"]


def test_failures_back_off_and_end_nothing(service: Orders, caplog: pytest.LogCaptureFixture) -> None:
    triggerer = Triggerer()
    service.orders = [{"id": 1}]
    service.failing = 3

    events = run(triggerer, watcher(AssetState()), until=lambda: bool(triggerer.events[0]))

    assert ids(events[0]) == ["1"]
    assert "3 in a row; the next time in 0.08 s" in caplog.text


def test_a_match_without_a_value_is_an_event_too_many_rather_than_one_too_few(service: Orders) -> None:
    triggerer = Triggerer()
    service.orders = [{"id": 1}, {"id": 2, "total": 1}, {"id": 3, "total": 9}]

    events = run(triggerer, watcher(AssetState(), match="item.total > 5"), until=lambda: len(triggerer.events[0]) >= 2)

    assert ids(events[0]) == ["1", "3"]


def test_a_large_item_goes_to_the_storage_and_is_read_from_there(
    service: Orders, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__EVENT_LIMIT", "100")
    monkeypatch.setenv("AIRFLOW__CLOUDFN__EVENT_STORAGE", f"file://{tmp_path}")
    large = {"id": 1, "text": "x" * 200}
    service.orders = [large, {"id": 2}, {"id": 3, "text": "y" * 200}]
    triggerer = Triggerer()

    watchers = [watcher(AssetState(), match=f"item.id != {number}") for number in (3, 2)]
    events = run(triggerer, *watchers, until=lambda: all(len(one) >= 2 for one in triggerer.events[:1]))

    first = events[0][0]
    assert first["result"] is None
    assert record_of(made_of(first))["result"] == large
    assert events[0][1]["result"] == {"id": 2}


def test_a_large_item_that_no_match_wants_lies_nowhere(
    service: Orders, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__EVENT_LIMIT", "100")
    monkeypatch.setenv("AIRFLOW__CLOUDFN__EVENT_STORAGE", f"file://{tmp_path}")
    service.orders = [{"id": 1, "text": "x" * 200}, {"id": 2}]
    triggerer = Triggerer()

    run(triggerer, watcher(AssetState(), match="item.id != 1"), until=lambda: bool(triggerer.events[0]))

    assert ids(triggerer.events[0]) == ["2"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("storage", ["", "file:///dev/null/events"], ids=["none", "one that is broken"])
def test_a_large_item_without_a_storage_is_told_and_nothing_of_the_answer_is_emitted(
    service: Orders, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, storage: str
) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__EVENT_LIMIT", "100")
    monkeypatch.setenv("AIRFLOW__CLOUDFN__EVENT_STORAGE", storage)
    service.orders = [{"id": 1}, {"id": 2, "text": "x" * 200}]
    state, triggerer = AssetState(), Triggerer()

    run(triggerer, watcher(state), until=lambda: len(service.asked) > 3)

    assert triggerer.events == [[]]
    assert state.rows == {}
    assert "item 2 " in caplog.text
    assert "xxx" not in caplog.text

    # Once there is room for it, all of it comes, once.
    monkeypatch.delenv("AIRFLOW__CLOUDFN__EVENT_LIMIT")
    later = Triggerer()
    run(later, watcher(state), until=lambda: len(later.events[0]) >= 2 and "after=2" in service.asked[-1])
    assert ids(later.events[0]) == ["1", "2"]


def test_without_a_shared_stream_nothing_is_asked(service: Orders) -> None:
    with pytest.raises(ConfigurationError, match="give it to an AssetWatcher"):
        watcher(AssetState()).run()

    assert service.asked == []


@pytest.mark.parametrize(
    ("parameters", "kind", "message"),
    [
        ({"uri": "/orders"}, ExpressionError, "uri"),
        ({"uri": '"/orders"', "query": {"after": "cusor"}}, ExpressionError, 'query["after"]'),
        ({"uri": '"/orders"', "match": "itm.id"}, ExpressionError, "match"),
        ({"uri": '"/orders"', "items": "body"}, ExpressionError, "items"),
        ({"uri": '"/orders"', "every": 0}, ConfigurationError, "every"),
    ],
)
def test_what_is_wrong_is_known_at_parse_time(parameters: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message.replace("[", r"\[")):
        CloudFunctionEventTrigger(**parameters)


def test_an_event_with_a_run_for_each_can_have_no_watcher() -> None:
    from airflow.sdk import AssetWatcher

    trigger = CloudFunctionEventTrigger(uri='"/orders"')

    with pytest.raises(ConfigurationError, match="can have no watchers"):
        CompletionEvent("order.created", one_run_per_event=True, watchers=[AssetWatcher(name="o", trigger=trigger)])


def test_what_airflow_makes_of_it_is_read_as_a_record() -> None:
    payload = {"metadata": {"id": "7", "source": "airflow/orders"}, "result": {"id": 7}}

    assert record_of(made_of(payload)) == {
        "metadata": {"type": "order.created", "id": "7", "source": "airflow/orders"},
        "result": {"id": 7},
    }


def test_a_watcher_of_another_s_keeps_its_extra() -> None:
    numbers = itertools.count()
    asset = SimpleNamespace(name="file.there", uri="file://there")
    source = dict.fromkeys(("source_dag_id", "source_run_id", "source_task_id", "source_map_index"))
    extra = {"from_trigger": True, "payload": next(numbers)}
    import datetime as dt

    event = SimpleNamespace(extra=extra, asset=asset, timestamp=dt.datetime(2026, 1, 1, tzinfo=dt.UTC), **source)

    assert record_of(event)["result"] == extra
