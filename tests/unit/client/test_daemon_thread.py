"""Work off the event loop: what it returns and raises comes back, and nothing of it is waited for."""

from __future__ import annotations

import asyncio
import contextvars
import subprocess
import sys
import threading

import pytest

from airflow_provider_cloudfn.client.daemon_thread import in_daemon_thread

NAME = contextvars.ContextVar("name", default="nobody")


def test_what_the_work_returns_comes_back() -> None:
    assert asyncio.run(in_daemon_thread(lambda: threading.current_thread().name, "worker")) == "worker"


def test_what_the_work_raises_comes_back() -> None:
    def fail() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        asyncio.run(in_daemon_thread(fail, "worker"))


@pytest.mark.parametrize("error", [asyncio.CancelledError("away"), SystemExit(1), StopIteration(), GeneratorExit()])
def test_what_ends_a_thread_or_a_task_elsewhere_fails_whoever_waits_and_ends_nobody_else(error: BaseException) -> None:
    def end() -> None:
        raise error

    async def wait() -> None:
        await asyncio.wait_for(in_daemon_thread(end, "worker"), timeout=5)

    with pytest.raises(RuntimeError, match=f"worker was ended by {type(error).__name__}") as failure:
        asyncio.run(wait())

    assert failure.value.__cause__ is error


def test_the_work_has_the_context_of_its_caller() -> None:
    NAME.set("ann")

    assert asyncio.run(in_daemon_thread(NAME.get, "worker")) == "ann"


def test_the_event_loop_goes_on_meanwhile() -> None:
    async def both() -> bool:
        may_end = threading.Event()
        working = asyncio.ensure_future(in_daemon_thread(may_end.wait, "worker"))
        await asyncio.wait([working], timeout=0.01)
        assert not working.done()
        may_end.set()
        return await working

    assert asyncio.run(both()) is True


def test_neither_a_loop_nor_a_process_waits_for_work_that_hangs() -> None:
    code = """
import asyncio, threading
from airflow_provider_cloudfn.client.daemon_thread import in_daemon_thread
async def give_up():
    await asyncio.wait([asyncio.ensure_future(in_daemon_thread(threading.Event().wait, "worker"))], timeout=0.01)
asyncio.run(give_up())
"""
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=30).returncode == 0
