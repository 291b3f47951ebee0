"""One reader for all waits: each is told of every event that came after its own place, whenever it joins."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest
from kit.server import Answer, LoopbackServer

from airflow_provider_cloudfn.events.place import Place
from airflow_provider_cloudfn.triggers import event_reader
from airflow_provider_cloudfn.triggers.event_reader import EventReader
from airflow_provider_cloudfn.triggers.event_wait import EventWaitTrigger
from airflow_provider_cloudfn.triggers.wait import Wait

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kit.server import Received

BEGUN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


class ApiServer:
    """Answers as the page of the API server does, of the events that a test lets come."""

    def __init__(self) -> None:
        self.events: list[tuple[int, dt.datetime, Any]] = []
        self.status = 200
        self.asked: list[Any] = []

    def come(self, number: int, seconds: float = 0.0) -> None:
        self.events.append(
            (number, BEGUN + dt.timedelta(seconds=seconds), {"metadata": {"type": "e"}, "result": number})
        )

    def reply(self, request: Received) -> Answer:
        asked = json.loads(request.body)
        self.asked.append(asked)
        events = [self._arrived(one) for one in asked["events"]]
        return Answer.of(self.status, {"events": events, "callbacks": [False for _ in asked["callbacks"]]})

    def _arrived(self, asked: Any) -> Any:
        after, seen = dt.datetime.fromisoformat(asked["after"]), set(asked["seen"])
        fresh = sorted((one[1], one) for one in self.events if one[1] >= after and one[0] not in seen)
        arrived = [{"id": one[0], "timestamp": one[1].isoformat(), "record": one[2]} for _, one in fresh[:2]]
        return {"arrived": arrived, "more": len(fresh) > 2}


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    made = ApiServer()
    monkeypatch.setattr(event_reader, "_SHORTEST", 0.01)
    monkeypatch.setattr(event_reader, "_LONGEST", 0.02)
    monkeypatch.setenv("AIRFLOW__API__SECRET_KEY", "one for all")
    with LoopbackServer(reply=made.reply) as server:
        monkeypatch.setenv("AIRFLOW__CORE__EXECUTION_API_SERVER_URL", f"{server.url}/execution/")
        monkeypatch.setenv("AIRFLOW__API__BASE_URL", server.url)
        yield made


def wait(number: int, after: float = 0.0, besides: tuple[int, ...] = ()) -> Wait:
    place = Place(BEGUN + dt.timedelta(seconds=after), besides)
    return Wait(begun=0.0, event="e", uri="x-cloudfn://e", place=place, match=f"event.result == {number}")


def outcome_of(wait: Wait) -> str:
    """Return what a reader of its own tells of a wait."""

    async def scenario() -> str:
        async with EventReader().waiting(wait, 60) as told:
            return await asyncio.wait_for(told, 20)

    return asyncio.run(scenario())


async def asked_once_more(api: ApiServer, questions: int = 2) -> None:
    before = len(api.asked)
    while len(api.asked) < before + questions:  # noqa: ASYNC110 - the server has a thread of its own
        await asyncio.sleep(0.005)


def test_waits_that_join_later_are_told_of_what_came_before(api: ApiServer) -> None:
    async def scenario() -> list[bool]:
        reader = EventReader()
        async with AsyncExitStack() as stack:
            first = await stack.enter_async_context(reader.waiting(wait(9), 60))
            for number in range(1, 6):
                api.come(number, number)
            await asked_once_more(api)
            late = await stack.enter_async_context(reader.waiting(wait(1), 60))
            later = await stack.enter_async_context(reader.waiting(wait(2, after=3), 60))
            known = await stack.enter_async_context(reader.waiting(wait(4, besides=(4,)), 60))
            await asyncio.wait_for(late, 20)
            await asked_once_more(api, 4)
            api.come(9, 6)
            await asyncio.wait_for(first, 20)
            return [first.done(), late.done(), later.done(), known.done()]

    assert asyncio.run(scenario()) == [True, True, False, False]


def test_an_event_that_becomes_visible_late_is_told(api: ApiServer) -> None:
    async def scenario() -> str:
        async with EventReader().waiting(wait(2), 60) as told:
            api.come(3, 20)
            await asked_once_more(api)
            api.come(2, 1)
            return await asyncio.wait_for(told, 20)

    assert asyncio.run(scenario()) == "found"


def test_a_thousand_waits_for_one_event_are_one_question(api: ApiServer) -> None:
    async def scenario() -> None:
        reader = EventReader()
        async with AsyncExitStack() as stack:
            for number in range(1_000):
                await stack.enter_async_context(reader.waiting(wait(-number - 1), 60))
            await asked_once_more(api, 3)

    asyncio.run(scenario())

    assert len(api.asked[-1]["events"]) == 1


def test_where_nobody_answers_it_is_the_worker_s_turn_when_its_patience_has_passed(api: ApiServer) -> None:
    api.status = 401

    async def scenario() -> tuple[str, bool]:
        reader = EventReader()
        async with reader.waiting(wait(1), 600) as patient:
            await asked_once_more(api)
            async with reader.waiting(wait(1), 0.05) as other:
                return await asyncio.wait_for(other, 20), patient.done()

    assert asyncio.run(scenario()) == ("look", False)


def test_an_api_server_for_tasks_alone_is_passed_over(api: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    api.come(1)
    with LoopbackServer(reply=lambda _: Answer.of(404, {})) as tasks_only:
        monkeypatch.setenv("AIRFLOW__CORE__EXECUTION_API_SERVER_URL", f"{tasks_only.url}/execution/")

        assert outcome_of(wait(1)) == "found"


@pytest.mark.usefixtures("api")
def test_an_answer_of_another_form_ends_no_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [Answer.of(200, []), Answer.of(200, {"events": []}), Answer.of(500, {})]

    def reply(_: Received) -> Answer:
        return answers.pop(0) if answers else Answer.of(200, told)

    arrived = [{"id": 1, "timestamp": BEGUN.isoformat(), "record": {"metadata": {"type": "e"}, "result": 1}}]
    told = {"events": [{"arrived": arrived, "more": False}], "callbacks": []}
    with LoopbackServer(reply=reply) as server:
        monkeypatch.setenv("AIRFLOW__CORE__EXECUTION_API_SERVER_URL", f"{server.url}/execution/")
        monkeypatch.setenv("AIRFLOW__API__BASE_URL", server.url)

        assert outcome_of(wait(1)) == "found"


def test_an_event_that_is_told_without_its_record_is_the_workers_to_read(api: ApiServer) -> None:
    api.events.append((1, BEGUN, None))

    assert outcome_of(wait(2)) == "found"


async def outcome(trigger: EventWaitTrigger) -> Any:
    async for event in trigger.run():
        return event.payload["outcome"]
    return None


def test_a_triggerer_that_was_killed_goes_on_from_the_same_place(api: ApiServer) -> None:
    trigger = EventWaitTrigger(wait=wait(2), seconds=60)

    async def killed() -> None:
        running = asyncio.create_task(outcome(trigger))
        await asked_once_more(api)
        running.cancel()

    asyncio.run(killed())
    api.come(2, 1)
    path, arguments = trigger.serialize()

    assert path.endswith("EventWaitTrigger")
    assert asyncio.run(outcome(EventWaitTrigger(**json.loads(json.dumps(arguments))))) == "found"


def test_it_ends_when_its_time_has_passed(api: ApiServer) -> None:
    assert asyncio.run(outcome(EventWaitTrigger(wait=wait(2), seconds=0.1))) == "late"
    assert api.events == []


def test_an_expression_that_fails_is_told_the_worker(api: ApiServer) -> None:
    api.come(1)
    trigger = EventWaitTrigger(
        wait=Wait(begun=0.0, event="e", uri="u", place=Place(BEGUN), match="event.result.nope"), seconds=60
    )

    assert asyncio.run(outcome(trigger)) == "found"


@pytest.mark.usefixtures("api")
@pytest.mark.parametrize("address", ["http://airflow:s3cr3t-word@127.0.0.1:9", "http://airflow:s3cr3t-word@[127.0.0.1"])
def test_why_it_can_not_ask_has_no_password_of_an_address(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTION_API_SERVER_URL", f"{address}/execution/")
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", address)

    async def scenario() -> str:
        reader = EventReader()
        async with reader.waiting(wait(1), 0.05) as told:
            assert await asyncio.wait_for(told, 20) == "look"
            return reader.failure

    assert "s3cr3t-word" not in asyncio.run(scenario())
