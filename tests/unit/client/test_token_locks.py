"""Waiting for the right to fetch a token: not without end, and not in the way of others."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_cloudfn.auth.message import HttpRequest, HttpResponse
from airflow_provider_cloudfn.auth.scheme import NoAuth
from airflow_provider_cloudfn.auth.token_lock import ProcessLock
from airflow_provider_cloudfn.client import token_locks
from airflow_provider_cloudfn.client.driver import Driver
from airflow_provider_cloudfn.client.response import Response
from airflow_provider_cloudfn.client.settings import ClientSettings
from airflow_provider_cloudfn.client.token_locks import acquire_in_time
from airflow_provider_cloudfn.client.url import BaseUrl


def test_a_free_lock_is_taken_at_once() -> None:
    lock = ProcessLock(threading.Lock())

    asyncio.run(acquire_in_time(lock, 30))

    assert lock.try_acquire()


def test_a_lock_is_taken_once_another_one_gives_it_back() -> None:
    lock = threading.Lock()
    mine, other = ProcessLock(lock), ProcessLock(lock)
    assert other.try_acquire()

    async def both() -> bool:
        waiting = asyncio.ensure_future(acquire_in_time(mine, 30))
        done, _ = await asyncio.wait([waiting], timeout=0.05)
        other.release()
        await waiting
        return bool(done)

    assert asyncio.run(both()) is False
    assert not other.try_acquire()


def test_many_have_it_one_after_the_other() -> None:
    lock, inside, most = threading.Lock(), 0, 0

    async def one() -> None:
        nonlocal inside, most
        mine = ProcessLock(lock)
        await acquire_in_time(mine, 30)
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0)
        inside -= 1
        mine.release()

    async def all_of_them() -> None:
        await asyncio.gather(*(one() for _ in range(20)))

    asyncio.run(all_of_them())

    assert most == 1


@pytest.mark.parametrize(("at_most", "longest"), [(0.02, 30), (30, 0.02)])
def test_who_holds_it_for_too_long_is_passed_by(
    monkeypatch: pytest.MonkeyPatch, at_most: float, longest: float
) -> None:
    lock = threading.Lock()
    mine, other = ProcessLock(lock), ProcessLock(lock)
    assert other.try_acquire()
    monkeypatch.setattr(token_locks, "_LONGEST", longest)

    asyncio.run(acquire_in_time(mine, at_most))
    mine.release()

    assert lock.locked()


def test_giving_back_what_was_not_taken_takes_it_from_nobody() -> None:
    lock = threading.Lock()
    mine, other = ProcessLock(lock), ProcessLock(lock)
    assert other.try_acquire()
    assert not mine.try_acquire()

    mine.release()

    assert lock.locked()
    other.release()
    other.release()
    assert not lock.locked()


@pytest.mark.timeout(20)
def test_after_an_answer_half_of_what_is_left_by_then_is_spent_on_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("airflow_provider_cloudfn.client.driver.time", SimpleNamespace(monotonic=lambda: now))
    lock = threading.Lock()
    mine, other = ProcessLock(lock), ProcessLock(lock)
    assert other.try_acquire()

    class SlowToRefuse:
        async def send(self, request: HttpRequest, on_connected: Any, sink: None) -> tuple[HttpResponse, None]:
            nonlocal now
            now += 59.9
            return HttpResponse(401, ()), None

    class Refused(NoAuth):
        def steps(self, request: HttpRequest) -> Any:
            yield request
            yield mine
            yield request

    async def refused() -> Response:
        transport: Any = SlowToRefuse()
        settings = ClientSettings(base_url=BaseUrl.parse("https://api.example.com"), auth=Refused())
        driver = Driver(settings, transport, seconds=60)
        url = "https://api.example.com/"
        outcome = await driver.send(HttpRequest("GET", url), shown=url, total=60)
        assert isinstance(outcome.result, Response)
        return outcome.result

    assert asyncio.run(refused()).status == 401
