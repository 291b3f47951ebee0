"""How pages are read ahead: the next one is asked for while one is put away, and no further one."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest

from airflow_provider_cloudfn.client.asked_by_name import Headers
from airflow_provider_cloudfn.client.paging import Page
from airflow_provider_cloudfn.client.response import Response
from airflow_provider_cloudfn.operators.pages import _ahead

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

ANSWER = Response(200, Headers({}, []), [], b"[]", "http://service/items", None)


class Service:
    """Pages that come as soon as they are asked for; notes which were."""

    def __init__(self, count: int, fails_at: int | None = None) -> None:
        self.asked: list[int] = []
        self.is_closed = False
        self._count = count
        self._fails_at = fails_at

    async def pages(self) -> AsyncGenerator[Page]:
        try:
            for number in range(1, self._count + 1):
                self.asked.append(number)
                await asyncio.sleep(0)
                if number == self._fails_at:
                    raise ConnectionError
                yield Page(number, [], ANSWER, None)
        finally:
            self.is_closed = True


async def turns_of_the_loop() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_the_next_page_is_asked_for_while_one_is_put_away_and_no_further_one() -> None:
    async def read() -> list[tuple[int, list[int]]]:
        service, asked = Service(4), []
        async for page in _ahead(service.pages()):
            await turns_of_the_loop()
            asked.append((page.number, list(service.asked)))
        return asked

    assert asyncio.run(read()) == [(1, [1, 2]), (2, [1, 2, 3]), (3, [1, 2, 3, 4]), (4, [1, 2, 3, 4])]


def test_a_failure_comes_behind_the_pages_that_came_before_it() -> None:
    found: list[int] = []

    async def read() -> None:
        async for page in _ahead(Service(4, fails_at=3).pages()):
            await turns_of_the_loop()
            found.append(page.number)

    with pytest.raises(ConnectionError):
        asyncio.run(read())
    assert found == [1, 2]


def test_a_read_that_ends_early_leaves_nothing_open() -> None:
    async def read() -> tuple[bool, int]:
        service = Service(4)
        async with aclosing(_ahead(service.pages())) as found:
            assert (await anext(found)).number == 1
        return service.is_closed, len(asyncio.all_tasks())

    assert asyncio.run(read()) == (True, 1)
