"""
Runs a call to its end from where no event loop runs.

A loop costs a fifth of a call to make and to close, so the main thread of a process keeps one: for as long as nothing goes
wrong in it. A process that was forked makes its own, and leaves alone what it has inherited: the two share what the kernel
watches for them.
"""

from __future__ import annotations

import asyncio
import atexit
import contextvars
import logging
import os
import threading
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = ["begun", "begun_beside", "beside_ended", "run"]

T = TypeVar("T")

log = logging.getLogger(__name__)

#: How many seconds what was cut short has to end. What a signal interrupted can be waiting for what has come already.
_LONGEST_END = 10.0
#: How many seconds what a call has begun beside itself has to come to its end.
_GRACE = 2.0
#: What was begun so and has not ended, in the event loops of all threads.
_beside: set[asyncio.Task[Any]] = set()


class _KeptRunner:
    """The main thread's runner, of this process."""

    def __init__(self) -> None:
        self._runner: asyncio.Runner | None = None
        self._interruption: BaseException | None = None

    def get(self) -> asyncio.Runner:
        if self._runner is None:
            # Made by a factory, the loop never becomes the thread's current one, which others could take, and close.
            self._runner = asyncio.Runner(loop_factory=self._new_loop)
        return self._runner

    def close(self) -> None:
        if self._runner is not None:
            runner, self._runner = self._runner, None
            loop = runner.get_loop()
            loop.set_exception_handler(None)
            loop.call_later(_LONGEST_END, loop.stop)
            try:
                runner.close()
            except RuntimeError:
                log.warning("What was cut short did not end within %g seconds, and is left behind", _LONGEST_END)

    def raise_interruption(self) -> None:
        """Raise what the loop was stopped for, if it was."""
        if self._interruption is not None:
            interruption, self._interruption = self._interruption, None
            raise interruption from None

    def _new_loop(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        loop.set_exception_handler(self._handle)
        return loop

    def _handle(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """
        Stop for what a signal's handler raised in the middle of a callback, such as the time limit of a task.

        The loop would only log it, and go on: without end, where the callback was what wakes the call.
        """
        error = context.get("exception")
        if error is None or isinstance(error, (Exception, asyncio.CancelledError)):
            loop.default_exception_handler(context)
            return
        self._interruption = error
        loop.stop()

    def disown(self) -> None:
        """Leave the loop to the process that this one was forked from: to close it here would reach into that one's."""
        if self._runner is None:
            return
        import ctypes

        # A reference that is never given back: no finalizer closes it, not even at the end of this process.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._runner))
        self._runner = None


_kept = _KeptRunner()
atexit.register(_kept.close)
os.register_at_fork(after_in_child=_kept.disown)


def run(start: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """
    Run a coroutine to its end.

    :param start: Makes the coroutine.
    :raises RuntimeError: where an event loop runs already.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        raise RuntimeError("an event loop runs here already: use arequest, or astart, and await it")
    if threading.current_thread() is not threading.main_thread():
        return asyncio.run(_with_beside(start))
    runner = _kept.get()
    try:
        # Not runner.run: it takes over Ctrl-C for each call, only to end the loop as the line below does.
        loop = runner.get_loop()
        try:
            result = loop.run_until_complete(loop.create_task(_with_beside(start), context=contextvars.copy_context()))
        finally:
            _kept.raise_interruption()
    except BaseException:
        # Whatever was cut short, such as by the time limit of a task, is ended and cleared away with the loop.
        _kept.close()
        raise
    if asyncio.all_tasks(loop):
        _kept.close()
    return result


def begun_beside(work: Coroutine[Any, Any, object]) -> None:
    """
    Begin what nobody waits for, but the end of the call in which it was begun.

    Such as to tell Airflow of a secret: cut short in the middle, it would leave an answer behind, which whoever asks Airflow
    next would take for his.

    :param work: What is done.
    """
    task = asyncio.get_running_loop().create_task(work)
    _beside.add(task)
    task.add_done_callback(_beside.discard)


async def beside_ended() -> None:
    """Wait for a while for the end of what was begun so in this event loop, and for nothing else that goes on in it."""
    loop = asyncio.get_running_loop()
    if own := [task for task in list(_beside) if task.get_loop() is loop]:
        await asyncio.wait(own, timeout=_GRACE)


async def _with_beside(start: Callable[[], Coroutine[Any, Any, T]]) -> T:
    try:
        result = await start()
    except Exception:
        await beside_ended()
        raise
    await beside_ended()
    return result


def begun(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """
    Begin a task beside the one that runs, and let what a signal's handler raises in it end both.

    Whoever began it would know of the time limit of a task only when he waits for it, and can be waiting for something else that
    never comes.

    :param work: What the task does.
    """
    task = asyncio.get_running_loop().create_task(work)
    task.add_done_callback(_pass_on_interruption)
    return task


def _pass_on_interruption(task: asyncio.Task[Any]) -> None:
    error = None if task.cancelled() else task.exception()
    # For Ctrl-C and the end of the process the loop has stopped already.
    if error is not None and not isinstance(error, (Exception, KeyboardInterrupt, SystemExit)):
        raise error  # To the loop, which stops for it.
