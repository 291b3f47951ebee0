"""Many calls in one event loop: how many at a time, in which order, and how they end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_cloudfn.client.batch import run_batch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable


async def numbered(count: int) -> AsyncIterator[tuple[int, int]]:
    for number in range(count):
        yield number, number


def batch_of(
    call: Callable[[int, int], Awaitable[Any]],
    items: AsyncIterator[tuple[int, int]],
    *,
    concurrency: int = 3,
    ahead: int = 100,
    goes_on: Callable[[], bool] = lambda: True,
) -> list[Any]:
    """Return the result, or the error, of each item, as they are yielded."""

    async def run() -> list[Any]:
        done = run_batch(items, call, concurrency=concurrency, ahead=ahead, goes_on=goes_on)
        return [one.result if one.error is None else one.error async for one in done]

    return asyncio.run(run())


class Gate:
    """Calls that wait until they are let through; knows the most that were under way at a time."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.most = self.now = 0

    async def call(self, index: int, item: int) -> int:
        self.begun.append(index)
        self.now += 1
        self.most = max(self.most, self.now)
        # The later one begins, the sooner it ends.
        for _ in range(20 - index):
            await asyncio.sleep(0)
        self.now -= 1
        return item


def test_results_come_in_the_order_of_the_items() -> None:
    assert batch_of(Gate().call, numbered(10)) == list(range(10))


@pytest.mark.parametrize("concurrency", [1, 3, 50])
def test_no_more_calls_are_under_way_than_were_asked_for(concurrency: int) -> None:
    gate = Gate()

    batch_of(gate.call, numbered(20), concurrency=concurrency)

    assert gate.most == min(concurrency, 20)


def test_no_item_is_further_ahead_of_the_first_that_is_not_done_than_was_asked_for() -> None:
    first_waits, begun = asyncio.Event(), []

    async def call(index: int, item: int) -> int:
        begun.append(index)
        if index == 0:
            # All that may begin have begun, when nothing new begins any more.
            for _ in range(200):
                await asyncio.sleep(0)
            assert begun == [0, 1, 2, 3, 4]
            first_waits.set()
        return item

    assert batch_of(call, numbered(12), ahead=5) == list(range(12))
    assert first_waits.is_set()


def test_one_that_fails_is_yielded_in_its_turn_and_the_others_go_on() -> None:
    async def call(index: int, item: int) -> int:
        if index == 1:
            raise ValueError("no")
        return item

    first, failed, last = batch_of(call, numbered(3))

    assert (first, last, str(failed)) == (0, 2, "no")


def test_what_is_under_way_is_waited_for_and_nothing_more_begins() -> None:
    gate = Gate()

    found = batch_of(gate.call, numbered(10), goes_on=lambda: len(gate.begun) < 3)

    assert found == [0, 1, 2]


def test_no_items_are_no_calls() -> None:
    gate = Gate()

    assert batch_of(gate.call, numbered(0)) == []
    assert gate.begun == []


def test_what_is_wrong_with_the_items_is_raised_after_what_is_under_way() -> None:
    seen: list[int] = []

    async def items() -> AsyncIterator[tuple[int, int]]:
        yield 0, 0
        raise ValueError("the file is gone")

    async def call(index: int, item: int) -> int:
        await asyncio.sleep(0)
        seen.append(index)
        return item

    with pytest.raises(ValueError, match="the file is gone"):
        batch_of(call, items())
    assert seen == [0]


def test_what_is_under_way_is_cut_short_when_nobody_wants_the_rest() -> None:
    cut_short: list[int] = []

    async def call(index: int, item: int) -> int:
        if index == 0:
            return item
        try:
            await asyncio.Event().wait()
        finally:
            cut_short.append(index)
        return item

    async def run() -> None:
        done = run_batch(numbered(10), call, concurrency=3, ahead=100, goes_on=lambda: True)
        await anext(done)
        # The others have begun.
        for _ in range(10):
            await asyncio.sleep(0)
        await done.aclose()

    asyncio.run(run())

    assert sorted(cut_short) == [1, 2, 3]


class TimeLimit(BaseException):
    """What a signal's handler raises."""


def test_a_time_limit_that_ends_a_call_ends_the_batch() -> None:
    async def call(index: int, item: int) -> int:
        if index == 1:
            raise TimeLimit
        await asyncio.sleep(0)
        return item

    with pytest.raises(TimeLimit):
        batch_of(call, numbered(3))
