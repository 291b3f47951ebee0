"""Connections that stay open for a task of one's own, and the engines of ``pages=`` and ``for_each=`` in Python."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from collections.abc import Iterable
from concurrent.futures import CancelledError, Future, wait
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar, Unpack, cast

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.client.batch import concurrency_problem, run_batch
from airflow_provider_cloudfn.client.pages import Pages
from airflow_provider_cloudfn.client.paging import MAY_BE_MISSPELT, read_pages
from airflow_provider_cloudfn.client.running import beside_ended
from airflow_provider_cloudfn.exceptions import ConfigurationError, ExpressionError, in_words
from airflow_provider_cloudfn.hooks.request_options import request_of, sending_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator, Mapping
    from types import TracebackType

    from airflow_provider_cloudfn.client.batch import Done
    from airflow_provider_cloudfn.client.client import Client
    from airflow_provider_cloudfn.client.request import Request, Sending
    from airflow_provider_cloudfn.client.response import Response
    from airflow_provider_cloudfn.hooks.request_options import RequestOptions

__all__ = ["HookSession"]

_log = logging.getLogger(__name__)
T = TypeVar("T")
_END: Any = object()
_NOT_OPENED: Final = "session: it is opened by its block: write `with hook.session() as shop:`"


class HookSession:
    """
    Open connections to a service; made by :meth:`RequestHook.session`, and closed at the end of its block.

    Its event loop runs in a thread of its own, so that it can be used from any code that has none.

    :param client: The hook's client.
    """

    def __init__(self, client: Client) -> None:
        self._closed = client
        self._client = client
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="cloudfn-session", daemon=True)
        self._opened: Any = None
        self._is_ending = False
        self._unread = 0

    def __enter__(self) -> Self:
        if self._thread.ident is not None:
            raise ConfigurationError("session: it has been opened before, and is so only once; open another one")
        self._thread.start()
        self._opened = self._closed.session()
        try:
            self._client = self._run(self._opened.__aenter__())
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._thread.ident is None:
            raise ConfigurationError(_NOT_OPENED)
        try:
            self._run(self._opened.__aexit__(kind, error, traceback))
        finally:
            self._end()
        if kind is None and self._unread:
            _log.warning(
                "session: what for_each returned was not read %s, so that none of its calls was made: read it, as with list(…)",
                "once" if self._unread == 1 else f"{self._unread} times",
            )

    def request(self, method: str, uri: str, **options: Unpack[RequestOptions]) -> Response:
        """
        Make an authenticated call, as :meth:`RequestHook.request` does.

        :param method: As of :meth:`RequestHook.request`, and so are the others.
        """
        return self._run(self._client.request(request_of(method, uri, options), sending_of(options)))

    def pages(self, pages: Pages, method: str, uri: str, **options: Unpack[RequestOptions]) -> Iterator[Any]:
        """
        Return the items of page after page, each page asked for when the one before is used up.

        :param pages: How to go on; its expressions read ``response``, ``page`` and ``items``.
        :param method: As of :meth:`RequestHook.request`, and so are the others.
        :raises ConfigurationError: for an argument that is wrong; nothing was sent then.
        """
        if not isinstance(pages, Pages):
            found = "the class itself" if pages is Pages else f"a {type(pages).__name__}"
            raise ConfigurationError(
                f'pages: must be how to go on, such as Pages.next_link("response.body.next"), not {found}'
            )
        if pages.results is not None or pages.timeout is not None:
            raise ConfigurationError("pages: results and timeout are the operator's; here items come one by one")
        return self._items(pages, request_of(method, uri, options), sending_of(options))

    def _items(self, pages: Pages, first: Request, sending: Sending) -> Iterator[Any]:
        read = read_pages(
            lambda request: self._client.request(request, sending),
            first,
            pages,
            lambda name, variables: _evaluated(pages, name, variables),
            resolve=self._client.resolve,
        )
        try:
            while (page := self._run(_next(read))) is not _END:
                yield from page.items
        finally:
            self._close(read)

    def for_each(
        self,
        items: Iterable[T],
        call: Callable[[T], tuple[str, str, RequestOptions]],
        *,
        concurrency: int = 16,
    ) -> Iterator[Done[T, Response]]:
        """
        Make a call for each item, many at a time, and yield what came of them in their order: they are made as that is read.

        :param items: The items, asked for as they are needed.
        :param call: Returns method, URI and the other options of an item's call.
        :param concurrency: How many are under way at a time.
        :returns: For each item its ``index``, ``item``, and its ``result`` or its ``error``.
        :raises ConfigurationError: for items that are none, a `call` that can't be called, and a `concurrency` that is no
            number from 1 to 1,000.
        """
        if isinstance(items, (str, bytes)) or not isinstance(items, Iterable):
            raise ConfigurationError(
                f"session: the items of for_each must be a list or something else to loop over, not {in_words(items)}"
            )
        if not callable(call):
            raise ConfigurationError(
                "session: for_each needs a function that returns the call of an item, such as "
                f"lambda one: ('GET', f'/v1/scores/{{one}}', {{}}), not {in_words(call)}"
            )
        if (problem := concurrency_problem(concurrency)) is not None:
            raise ConfigurationError(f"session: {problem}")
        self._unread += 1
        return self._calls(items, call, concurrency)

    def _calls(
        self, items: Iterable[T], call: Callable[[T], tuple[str, str, RequestOptions]], concurrency: int
    ) -> Iterator[Done[T, Response]]:
        self._unread -= 1

        async def numbered() -> AsyncIterator[tuple[int, T]]:
            if isinstance(items, (list, tuple, range)):
                for pair in enumerate(items):
                    yield pair
                return
            # Where they come from may wait for something, such as for this very session's pages.
            left = enumerate(items)
            while (found := await asyncio.to_thread(next, left, _END)) is not _END:
                yield found

        async def one(_: int, item: T) -> Response:
            method, uri, options = _described(call(item))
            return await self._client.request(request_of(method, uri, options), sending_of(options))

        done = run_batch(numbered(), one, concurrency=concurrency, ahead=4 * concurrency, goes_on=lambda: True)
        try:
            while (ended := self._run(_next(done))) is not _END:
                yield ended
        finally:
            self._close(done)

    def _close(self, calls: AsyncGenerator[Any, Any]) -> None:
        """End calls that nobody asks for any more; the session's end has done so by itself, where it came before."""
        if not self._is_ending:
            self._run(calls.aclose())

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the session's event loop, in the context of whoever asks."""
        if self._thread.ident is None:
            # Nothing runs the loop: who asks would wait for ever.
            work.close()
            raise ConfigurationError(_NOT_OPENED)
        if self._is_ending or threading.current_thread() is self._thread:
            work.close()
            raise ConfigurationError(
                "session: it is closed at the end of its block; open another one"
                if self._is_ending
                else "session: a call of it can't wait for another one: make that before, and give what it returned to this one"
            )
        told: Future[T] = Future()
        begun: list[asyncio.Task[T]] = []
        context = contextvars.copy_context()

        def start() -> None:
            task = self._loop.create_task(work, context=context)
            begun.append(task)
            task.add_done_callback(lambda done: _tell(done, told))

        self._loop.call_soon_threadsafe(start)
        try:
            return told.result()
        except BaseException:
            # Interrupted, as by the time limit of a task: nothing goes on behind whoever has asked.
            if not told.done():
                self._loop.call_soon_threadsafe(lambda: begun[0].cancel())
                wait([told])
            raise

    def _serve(self) -> None:
        left = True
        while left:
            # What the caller's own function raises of these leaves the loop as well as its task: the loop goes on, so that
            # whoever waits for the task is told, and ends of it.
            with suppress(SystemExit, KeyboardInterrupt):
                self._loop.run_forever()
                left = False

    def _end(self) -> None:
        self._is_ending = True
        asyncio.run_coroutine_threadsafe(_ended(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _ended() -> None:
    """Wait until nothing goes on in this loop, nor in the threads that ask something of it."""
    await beside_ended()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_default_executor()


def _tell(done: asyncio.Task[T], told: Future[T]) -> None:
    if done.cancelled():
        told.set_exception(CancelledError())
    elif (error := done.exception()) is not None:
        told.set_exception(error)
    else:
        told.set_result(done.result())


async def _next(read: AsyncIterator[Any]) -> Any:
    return await anext(read, _END)


def _described(found: object) -> tuple[str, str, RequestOptions]:
    """
    Return the call for an item.

    :param found: What the function for it has returned.
    :raises ConfigurationError: for what describes none.
    """
    parts = found if isinstance(found, (tuple, list)) and len(found) == 3 else (None, None, None)
    method, uri, options = parts
    if isinstance(method, str) and isinstance(uri, str) and isinstance(options, dict):
        return method, uri, cast("RequestOptions", options)
    raise ConfigurationError(
        "session: the function of for_each must return a tuple of method, URI and options, such as "
        f"('POST', '/v1/charges', {{'json': …}}), or with {{}} for none; it has returned a {type(found).__name__}"
    )


def _evaluated(pages: Pages, name: str, variables: Mapping[str, Any]) -> Any:
    source = getattr(pages, name)
    if not isinstance(source, (str, cel.Expression)):
        return source
    text = source.source if isinstance(source, cel.Expression) else source
    program = cel.compile(text, variables=frozenset(variables))
    try:
        return program.evaluate(variables)
    except ExpressionError:
        if not pages.ends_without(name) or not program.leads_nowhere(variables):
            raise
    if variables["page"] == 1:
        _log.warning(MAY_BE_MISSPELT)
    return None
