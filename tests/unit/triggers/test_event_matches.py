"""Which of the waits hear of an event that came."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from airflow_provider_cloudfn.triggers.event_reader import _matched, _Waiter
from airflow_provider_cloudfn.triggers.wait import Wait

MATCHES = {
    "its event": ("event.result.id == 1", True),
    "another": ("event.result.id == 2", False),
    "any": (None, True),
    "one whose expression has no value, which its author meets on the worker": ("event.result.missing == 1", True),
}


def record(result: Any, **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"type": "paid", **metadata}, "result": result}


def hears(match: str | None, told: dict[str, Any]) -> bool:
    async def judged() -> bool:
        waiting = _Waiter(Wait(begun=0.0, event="paid", uri="x-cloudfn://paid", match=match), 60.0)
        return _matched([waiting], told) == [waiting]

    return asyncio.run(judged())


@pytest.mark.parametrize(("match", "expected"), MATCHES.values(), ids=MATCHES)
def test_a_wait_hears_of(match: str | None, expected: bool) -> None:
    assert hears(match, record({"id": 1})) is expected


@pytest.mark.parametrize("match", [match for match, _ in MATCHES.values()])
def test_the_worker_judges_an_event_whose_payload_lies_elsewhere(match: str | None) -> None:
    assert hears(match, record(None, dataref="s3://bucket/events/1.json"))


def test_an_event_that_can_not_be_judged_holds_up_no_wait() -> None:
    deep: Any = 1
    for _ in range(2_000):
        deep = [deep]

    assert hears("event.result.id == 1", record({"id": deep}))
