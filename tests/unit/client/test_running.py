"""One event loop serves the calls of a process's main thread, and nothing of one call reaches into another."""

from __future__ import annotations

import asyncio
import contextvars
import os
import subprocess
import sys
import threading
from contextlib import suppress
from typing import Any

import pytest

from airflow_provider_cloudfn.client.running import begun, begun_beside, run

NAME = contextvars.ContextVar("name", default="nobody")


async def loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


def test_the_main_thread_keeps_its_loop() -> None:
    assert run(loop) is run(loop)


def test_another_thread_has_one_for_each_call() -> None:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.extend((run(loop), run(loop))))
    thread.start()
    thread.join()

    first, second = found
    assert first is not second
    assert first.is_closed()


def test_each_call_has_the_context_of_its_caller_and_changes_nothing_there() -> None:
    async def seen_and_changed() -> str:
        before = NAME.get()
        NAME.set("somebody else")
        return before

    NAME.set("first")
    assert run(seen_and_changed) == "first"
    NAME.set("second")
    assert run(seen_and_changed) == "second"
    assert NAME.get() == "second"


class TimeIsUp(BaseException):
    """As Airflow raises it out of a signal handler."""


def test_what_was_cut_short_is_ended_with_its_loop() -> None:
    ended: list[str] = []

    async def left_behind() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    async def cut_short() -> None:
        task = asyncio.create_task(left_behind())
        await asyncio.sleep(0)
        assert not task.done()
        raise TimeIsUp

    before = run(loop)
    with pytest.raises(TimeIsUp):
        run(cut_short)

    assert ended == ["cancelled"]
    assert before.is_closed()
    assert run(loop) is not before


@pytest.mark.timeout(30)
@pytest.mark.parametrize("error", [TimeIsUp, KeyboardInterrupt])
def test_what_a_signal_raises_in_a_task_that_nobody_waits_for_ends_the_call(error: type[BaseException]) -> None:
    async def signalled() -> None:
        raise error

    async def never_woken() -> None:
        task = begun(signalled())
        await asyncio.Event().wait()
        await task

    before = run(loop)
    with pytest.raises(error):
        run(never_woken)

    assert before.is_closed()
    assert run(loop) is not before


def test_a_task_that_fails_is_left_to_whoever_waits_for_it() -> None:
    async def fail() -> None:
        raise KeyError

    async def wait() -> str:
        task = begun(fail())
        await asyncio.wait([task])
        with suppress(KeyError):
            await task
        return "went on"

    assert run(wait) == "went on"


@pytest.mark.timeout(30)
def test_what_a_signal_raises_in_a_callback_ends_the_call() -> None:
    def signalled() -> None:
        raise TimeIsUp

    async def never_woken() -> None:
        asyncio.get_running_loop().call_soon(signalled)
        await asyncio.Event().wait()

    before = run(loop)
    with pytest.raises(TimeIsUp):
        run(never_woken)

    assert before.is_closed()
    assert run(loop) is not before


@pytest.mark.timeout(30)
def test_what_does_not_end_when_it_is_cut_short_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_cloudfn.client.running._LONGEST_END", 0.05)

    async def stubborn() -> None:
        while True:
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()

    async def cut_short() -> None:
        left.append(asyncio.create_task(stubborn()))
        await asyncio.sleep(0)
        raise TimeIsUp

    left: list[asyncio.Task[None]] = []
    before = run(loop)
    with pytest.raises(TimeIsUp):
        run(cut_short)

    assert before.is_closed()
    assert not left[0].done()


def test_a_fault_in_a_callback_is_logged_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def faulty() -> None:
        raise ValueError("wrong")

    async def goes_on() -> str:
        asyncio.get_running_loop().call_soon(faulty)
        await asyncio.sleep(0)
        return "done"

    assert run(goes_on) == "done"
    assert "wrong" in caplog.text


def test_what_a_call_leaves_running_is_ended_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_cloudfn.client.running._GRACE", 3600.0)  # It is not waited for.

    async def forgetful() -> asyncio.Task[Any]:
        return asyncio.create_task(asyncio.Event().wait())

    assert run(forgetful).cancelled()


@pytest.mark.parametrize("fails", [False, True])
def test_what_a_call_has_begun_beside_itself_comes_to_its_end(fails: bool) -> None:
    told: list[str] = []

    async def tells() -> None:
        for _ in range(20):
            await asyncio.sleep(0)
        told.append("a secret")

    async def call() -> None:
        begun_beside(tells())
        if fails:
            raise ConnectionError

    with suppress(ConnectionError):
        run(call)

    assert told == ["a secret"]


def test_what_was_begun_beside_a_call_holds_it_up_for_a_while_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_cloudfn.client.running._GRACE", 0.01)
    ended: list[bool] = []

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    async def call() -> str:
        begun_beside(endless())
        return "answered"

    assert run(call) == "answered"
    assert ended == [True]


def test_a_forked_process_has_a_loop_of_its_own_and_leaves_the_other_alone() -> None:
    mine = run(loop)
    child = os.fork()
    if not child:
        code = 1
        try:
            theirs = run(loop)
            code = int(theirs is mine or theirs.is_closed())
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)

    async def woken_by_a_thread() -> str:
        return await asyncio.to_thread(lambda: "awake")

    assert status == 0
    assert run(loop) is mine
    assert run(woken_by_a_thread) == "awake"


def test_the_end_of_a_forked_process_takes_nothing_from_the_other() -> None:
    code = """
import asyncio, os, sys, threading
from airflow_provider_cloudfn.client.running import run
async def loop():
    return asyncio.get_running_loop()
run(loop)
child = os.fork()
if not child:
    run(loop)
    sys.exit(0)  # With all finalizers, other than os._exit.
assert os.waitpid(child, 0)[1] == 0
async def woken():
    loop = asyncio.get_running_loop()
    waiting, may_wake = loop.create_future(), threading.Event()
    threading.Thread(target=lambda: may_wake.wait() and loop.call_soon_threadsafe(waiting.set_result, None)).start()
    loop.call_later(0.05, may_wake.set)
    await asyncio.wait([waiting], timeout=20)
    return loop.time()
begun = run(loop).time()
assert run(woken) - begun < 10
"""
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


def test_the_current_loop_of_the_thread_stays_what_it_was() -> None:
    code = """
import asyncio
from airflow_provider_cloudfn.client.running import run
async def loop():
    return asyncio.get_running_loop()
own = asyncio.new_event_loop()
asyncio.set_event_loop(own)
kept = run(loop)
assert asyncio.get_event_loop() is own is not kept
own.close()
assert run(loop) is kept
asyncio.run(loop())
assert run(loop) is kept
"""
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


def test_within_a_loop_it_is_refused() -> None:
    async def nested() -> None:
        run(loop)

    with pytest.raises(RuntimeError, match="await it"):
        asyncio.run(nested())
