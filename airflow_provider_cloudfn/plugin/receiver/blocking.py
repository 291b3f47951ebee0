"""Work that waits, for a database or a computation, is done in threads of the receiver's own, and in a time that has an end."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

from airflow_provider_cloudfn.webhooks.refused import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["SECONDS", "Threads"]

_log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

#: For so many seconds a request waits for a thread and its work. What has begun goes on: sent again, its events are duplicates.
SECONDS: Final = 30.0
_COME_AGAIN: Final = 5.0


class Threads:
    """
    A few threads. They are no more than the connections to the database that the receiver takes of Airflow's.

    :param name: What they are called.
    :param count: How many.
    """

    def __init__(self, name: str, count: int = 4) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=f"cloudfn-{name}")

    async def run(self, work: Callable[P, R], *args: P.args, **keywords: P.kwargs) -> R:
        """
        Return what a function returns that a thread runs.

        :param work: The function.
        :raises RefusedError: 503, when it takes too long.
        """
        future = asyncio.get_running_loop().run_in_executor(self._pool, partial(work, *args, **keywords))
        try:
            async with asyncio.timeout(SECONDS):
                return await future
        except TimeoutError:
            if future.done() and not future.cancelled() and future.exception() is not None:
                raise  # The work's own.
            raise RefusedError(503, "too_slow", retry_after=_COME_AGAIN) from None

    def start(self, work: Callable[P, object], *args: P.args, **keywords: P.kwargs) -> None:
        """
        Have a thread run what nobody waits for; what goes wrong is logged.

        :param work: The function.
        """
        self._pool.submit(_logged, partial(work, *args, **keywords))


def _logged(work: Callable[[], object]) -> None:
    try:
        work()
    except Exception as error:
        # The statement of a database's error holds what came in.
        _log.warning("What was to be done after a delivery has failed: %s", type(error).__name__)
