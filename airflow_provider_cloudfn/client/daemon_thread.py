"""
Work that blocks, off the event loop, in a thread that nobody has to wait for.

The threads of :func:`asyncio.to_thread` are waited for at the end of an event loop, and once more at the end of the process:
what hangs in one of them, such as the look-up of a name or a storage that is away, would outlast every timeout.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, TypeGuard, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["for_a_while", "in_daemon_thread"]

T = TypeVar("T")


async def in_daemon_thread(work: Callable[[], T], name: str) -> T:
    """
    Do work in a thread of its own, and return what it returns.

    :param work: What blocks.
    :param name: The thread's name.
    :raises Exception: what the work raises.
    :raises RuntimeError: for what ends a thread, or a task of another event loop, such as a storage's own: it is nobody's here.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T] = loop.create_future()
    context = contextvars.copy_context()

    def succeed(found: T) -> None:
        if not outcome.done():
            outcome.set_result(found)

    def fail(error: Exception) -> None:
        if not outcome.done():
            outcome.set_exception(error)

    def run() -> None:
        # Whoever asked may be gone by the end, and his event loop with him.
        try:
            found = context.run(work)
        except BaseException as error:  # nobody else would tell who waits for it
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(fail, error if _can_be_told(error) else _ended_by(error, name))
        else:
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(succeed, found)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await outcome


def for_a_while(work: Callable[[], object], name: str, seconds: float) -> None:
    """
    Do work in a thread of its own, and wait for it no longer than so many seconds; what it raises is nobody's.

    :param work: What blocks.
    :param name: The thread's name.
    :param seconds: How long to wait for its end.
    """

    def run() -> None:
        with suppress(Exception):
            context.run(work)

    context = contextvars.copy_context()
    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    thread.join(seconds)


def _can_be_told(error: BaseException) -> TypeGuard[Exception]:
    """Return whether an error means to who waits what it means to the thread; no future takes a ``StopIteration``."""
    return isinstance(error, Exception) and not isinstance(error, StopIteration)


def _ended_by(error: BaseException, name: str) -> RuntimeError:
    # By its class alone: what it says is nobody's to judge here, and can be what was sent.
    failure = RuntimeError(f"the thread {name} was ended by {type(error).__name__}")
    failure.__cause__ = error
    return failure
