"""Many calls in one event loop: so many at a time, the results in the order of the items, in memory that stays flat."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeVar

from airflow_provider_cloudfn.auth.redacted import Redacted
from airflow_provider_cloudfn.client.running import begun

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

__all__ = ["Done", "concurrency_problem", "run_batch"]

#: How many calls can be under way at a time.
_MOST: Final = 1_000

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


class Done(Redacted, Generic[ItemT, ResultT], frozen=True):
    """
    What came of an item.

    :param index: Its position, from 0.
    :param item: The item.
    :param result: What the call returned; None where it failed.
    :param error: Why it failed.
    """

    _hidden: ClassVar = frozenset({"item", "result"})

    index: int
    item: ItemT
    result: ResultT | None = None
    error: Exception | None = None


def concurrency_problem(value: object) -> str | None:
    """
    Say what is wrong with a number of calls that are under way at a time; with 0 nothing would ever begin.

    :param value: What was given.
    """
    if type(value) is int and 1 <= value <= _MOST:
        return None
    return f"concurrency must be a whole number from 1 to {_MOST:,}, not {value!r}"


async def run_batch(
    items: AsyncIterator[tuple[int, ItemT]],
    call: Callable[[int, ItemT], Awaitable[ResultT]],
    *,
    concurrency: int,
    ahead: int,
    goes_on: Callable[[], bool],
) -> AsyncGenerator[Done[ItemT, ResultT]]:
    """
    Make a call for each item, and yield what came of them in their order.

    What is under way when `goes_on` says no is waited for and yielded; nothing more begins.

    :param items: The items with their positions, which ascend; asked for only as they are needed.
    :param call: Makes the call.
    :param concurrency: How many are under way at a time.
    :param ahead: How far an item may be ahead of the first one that is not yielded yet: that bounds what waits in memory.
    :param goes_on: Whether another call may begin.
    """
    slots = asyncio.Semaphore(concurrency)
    room = asyncio.Semaphore(ahead)
    order: asyncio.Queue[asyncio.Task[Done[ItemT, ResultT]] | None] = asyncio.Queue()
    under_way: set[asyncio.Task[Any]] = set()

    async def one(index: int, item: ItemT) -> Done[ItemT, ResultT]:
        try:
            return Done(index, item, await call(index, item))
        except Exception as error:
            return Done(index, item, None, error)
        finally:
            slots.release()

    async def feed() -> None:
        try:
            while True:
                await room.acquire()
                await slots.acquire()
                if not goes_on():
                    return
                try:
                    index, item = await anext(items)
                except StopAsyncIteration:
                    return
                task = begun(one(index, item))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
                order.put_nowait(task)
        finally:
            order.put_nowait(None)

    feeder = begun(feed())
    try:
        while (task := await order.get()) is not None:
            yield await task
            room.release()
        await feeder
    finally:
        feeder.cancel()
        for task in tuple(under_way):
            task.cancel()
        await asyncio.gather(feeder, *under_way, return_exceptions=True)
