"""``pages=``: one request, and the pages behind it, as one step."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct, convert, to_builtins
from msgspec.structs import replace

from airflow_provider_cloudfn.authoring.value_checks import seconds
from airflow_provider_cloudfn.client.daemon_thread import in_daemon_thread
from airflow_provider_cloudfn.client.paging import MAY_BE_MISSPELT, PageChange, read_pages
from airflow_provider_cloudfn.client.running import begun, run
from airflow_provider_cloudfn.client.transport import within
from airflow_provider_cloudfn.exceptions import CloudFunctionError, ExpressionError
from airflow_provider_cloudfn.journal.entries import PagesEntry
from airflow_provider_cloudfn.json_encoding import encode_json
from airflow_provider_cloudfn.operators.journal_parts import JournalParts
from airflow_provider_cloudfn.operators.key_text import digest_of
from airflow_provider_cloudfn.operators.new_garbage import new_garbage_only
from airflow_provider_cloudfn.operators.once import fingerprint_of
from airflow_provider_cloudfn.operators.results import results_at

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from airflow_provider_cloudfn.authoring.variables import TaskVariables
    from airflow_provider_cloudfn.client.client import Client
    from airflow_provider_cloudfn.client.pages import Pages
    from airflow_provider_cloudfn.client.paging import Page
    from airflow_provider_cloudfn.client.request import Request
    from airflow_provider_cloudfn.client.response import Response
    from airflow_provider_cloudfn.journal.task_journal import TaskJournal
    from airflow_provider_cloudfn.operators.function_call import FunctionCall

__all__ = ["WholeRead", "all_pages", "pages_of", "read_whole"]

#: The name of the entry.
_ENTRY: Final = "pages"
#: Seconds between two writes of it.
_EVERY: Final = 1.0


class WholeRead(Struct, frozen=True):
    """
    What a read came to.

    :param items: The items, or what describes the file that they went into.
    :param size: How many bytes of JSON they are, where that was counted.
    :param pages: How many pages there were.
    :param response: The last page's answer.
    """

    items: Any
    size: int | None
    pages: int
    response: Response


def pages_of(
    call: FunctionCall,
    client: Client,
    pages: Pages,
    first: Request,
    variables: TaskVariables,
    begin: PageChange | None = None,
) -> AsyncGenerator[Page]:
    """
    Read page after page; each is a call of its own, with its own retries.

    :param call: What makes the calls and judges the answers.
    :param client: An open client.
    :param first: The first page's request.
    :param begin: The page to begin with; None for the first.
    :raises CloudFunctionError: with the number of the page.
    """
    sending = call.sending(variables)

    async def ask(request: Request) -> Response:
        response = await client.request(request, sending)
        call.require_success(response, variables.with_response(response.as_variable()))
        return response

    def evaluate(name: str, more: Mapping[str, Any]) -> Any:
        here = variables.with_more(**more)
        try:
            return call.task.evaluate_after_call(f"pages.{name}", here)
        except ExpressionError:
            if not pages.ends_without(name) or not call.task.leads_nowhere(f"pages.{name}", here):
                raise
        if more["page"] == 1:
            call.warn_once(MAY_BE_MISSPELT)
        return None

    async def told() -> AsyncGenerator[Page]:
        async with aclosing(read_pages(ask, first, pages, evaluate, resolve=client.resolve, begin=begin)) as found:
            async for page in found:
                if page.doubt is not None:
                    call.warn_once(page.doubt)
                yield page

    return told()


def read_whole(
    call: FunctionCall, pages: Pages, first: Request, variables: TaskVariables, journal: TaskJournal
) -> WholeRead:
    """
    Read all pages of a step.

    :param call: As of :func:`pages_of`, and so are the others.
    :param journal: What the tries of the task tell one another: a retry goes on at the page where the one before ended.
    """
    parts = JournalParts(journal, "pages.items") if journal.is_kept else None
    results = results_at(pages.results, "pages", variables, parts)
    results.check()
    begin: PageChange | None = None
    fingerprint = _fingerprint(call, pages, first)
    earlier = journal.read(_ENTRY, PagesEntry)
    if earlier is not None and earlier.fingerprint != fingerprint:
        # What goes on at a page of another read would put two of them together.
        call.task.log.warning("The read is another one than in the try before: it begins anew, at the first page")
        journal.forget(_ENTRY)
        results.discard(earlier.parts)
    elif earlier is not None:
        begin = convert(earlier.place, PageChange)
        results.resume(earlier.parts, earlier.count)
        call.task.log.info("An earlier try has read %d pages: this one goes on at the next", begin.number - 1)

    def keep(place: dict[str, Any]) -> None:
        results.keep()
        entry = PagesEntry(place=place, parts=results.parts, count=results.count, fingerprint=fingerprint)
        journal.write(_ENTRY, entry)

    async def read() -> Page:
        last: Page | None = None
        written = time.monotonic()
        async with (
            call.hook.client().session() as client,
            # Closed before the connections are, over which the next page is asked for.
            aclosing(_ahead(pages_of(call, client, pages, first, variables, begin))) as found,
        ):
            async for page in found:
                results.add(*call.task.storable_result(page.items, page.response))
                last = page
                if journal.is_kept and page.following is not None and time.monotonic() - written > _EVERY:
                    written = time.monotonic()
                    place = to_builtins(page.following)
                    # The task's state is plain rows. Where the link to a page repeats a secret, the next try begins before it.
                    if client.redaction().text(shown := encode_json(place)) == shown:
                        await in_daemon_thread(partial(keep, place), "cloudfn-pages")
                elif results.is_full:
                    await in_daemon_thread(results.keep, "cloudfn-pages")
        if last is None:
            raise CloudFunctionError("pages: no page came")
        return last

    with new_garbage_only():
        last: Page = run(lambda: _in_time(pages, read()))
    found = results.finish()
    why = "" if last.short_of is None else f", which has fewer items than limit={last.short_of:,}"
    call.task.log.info("Read %s items; the last page was number %s%s", f"{results.count:,}", f"{last.number:,}", why)
    # To read anew does no harm: the parts go as soon as they are no longer needed.
    if results.parts:
        journal.forget(_ENTRY)
        results.discard(results.parts)
    return WholeRead(found, results.size, last.number, last.response)


async def _ahead(pages: AsyncGenerator[Page]) -> AsyncGenerator[Page]:
    """Yield pages; the request for the next one goes out before each is put away."""
    found: asyncio.Queue[Page | None] = asyncio.Queue()
    # Of those that came, one may wait while another one is put away.
    room = asyncio.Semaphore(1)

    async def read() -> None:
        async for page in pages:
            found.put_nowait(page)
            await room.acquire()

    reading = begun(read())
    reading.add_done_callback(lambda _: found.put_nowait(None))
    try:
        while (page := await found.get()) is not None:
            yield page
            room.release()
        await reading
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await pages.aclose()


def _fingerprint(call: FunctionCall, pages: Pages, first: Request) -> str:
    """Return what tells whether a read is the one of an earlier try: a time that was too short may be longer now."""
    of_request = fingerprint_of(call.hook.client().prepare(first))
    how = repr(replace(pages, timeout=None, results=None))
    return digest_of(f"{of_request}\n{how}", 32)


async def all_pages(
    call: FunctionCall, client: Client, pages: Pages, first: Request, variables: TaskVariables
) -> tuple[list[Any], int, Response]:
    """
    Read all pages into memory: what an item of a batch does.

    :param call: As of :func:`pages_of`, and so are the others.
    :returns: All items, the number of pages, and the last page's answer.
    """

    async def read() -> tuple[list[Any], int, Response]:
        items: list[Any] = []
        last: Page | None = None
        async for page in pages_of(call, client, pages, first, variables):
            items += page.items
            last = page
        if last is None:
            raise CloudFunctionError("pages: no page came")
        return items, last.number, last.response

    result: tuple[list[Any], int, Response] = await _in_time(pages, read())
    return result


async def _in_time(pages: Pages, work: Any) -> Any:
    if pages.timeout is None:
        return await work
    limit = seconds("pages.timeout", pages.timeout)
    return await within(
        limit, "pages", work, is_sent=lambda: True, said_by="timeout of pages, which is for all of them,"
    )
