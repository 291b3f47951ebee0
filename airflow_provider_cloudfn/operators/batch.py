"""``for_each=``: one call for each item, in one event loop, in an order that is kept, with a memory of what is done."""

from __future__ import annotations

from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import asdict, replace

from airflow_provider_cloudfn.auth.repeatable import is_put_off_for_long
from airflow_provider_cloudfn.authoring.confirm import Confirm
from airflow_provider_cloudfn.authoring.for_each import as_for_each
from airflow_provider_cloudfn.authoring.value_checks import seconds
from airflow_provider_cloudfn.client.batch import Done, run_batch
from airflow_provider_cloudfn.client.daemon_thread import for_a_while, in_daemon_thread
from airflow_provider_cloudfn.client.rate_limit import AllLimits, PacedLimiter, Rate, TurnsAhead
from airflow_provider_cloudfn.client.retry import repeats_safely
from airflow_provider_cloudfn.client.running import run
from airflow_provider_cloudfn.exceptions import (
    CloudFunctionError,
    ExpressionError,
    OutcomeUnknownError,
    RequestTimeoutError,
    with_end,
)
from airflow_provider_cloudfn.journal.entries import ItemFailure, ItemResult
from airflow_provider_cloudfn.journal.outage import outlast
from airflow_provider_cloudfn.operators.batch_items import BatchItem, BatchItems, Peekable
from airflow_provider_cloudfn.operators.batch_memory import BatchMemory
from airflow_provider_cloudfn.operators.batch_summary import ProgressLog, Summary, is_anew, too_many, unknown_outcome
from airflow_provider_cloudfn.operators.done_early import DoneEarly
from airflow_provider_cloudfn.operators.journal_parts import JournalParts
from airflow_provider_cloudfn.operators.longest_wait import longest_wait_on_worker
from airflow_provider_cloudfn.operators.new_garbage import new_garbage_only
from airflow_provider_cloudfn.operators.once import is_unknown_after
from airflow_provider_cloudfn.operators.pages import all_pages
from airflow_provider_cloudfn.operators.results import Results, results_at

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from airflow.sdk.definitions.context import Context

    from airflow_provider_cloudfn.authoring.variables import TaskVariables
    from airflow_provider_cloudfn.client.client import Client
    from airflow_provider_cloudfn.client.response import Response
    from airflow_provider_cloudfn.journal.task_journal import TaskJournal
    from airflow_provider_cloudfn.operators.function_call import FunctionCall

__all__ = ["FAILURES_KEY", "Batch"]

#: The XCom key of the items that have failed.
FAILURES_KEY: Final = "failures"
#: How far an item may be ahead of the first that is not done: what waits in memory is bounded by it.
_AHEAD: Final = 4
#: How many items that may not be sent twice are written down at a time, for each that is under way.
_WINDOW: Final = 8
#: Seconds that the task has, when it is ended, to write down how far it got.
_LONGEST_END: Final = 5.0


class Batch:
    """
    The calls of one task under ``for_each``.

    :param call: What makes the calls and judges the answers.
    :param variables: What all expressions can name.
    :param stable_id: Returns the idempotency key of what stands for the map index.
    :param journal: What the tries of the task tell one another.
    """

    def __init__(
        self,
        call: FunctionCall,
        variables: TaskVariables,
        stable_id: Callable[[str | None], str],
        journal: TaskJournal,
    ) -> None:
        task = call.task
        self._call = call
        self._task = task
        each = self._each = as_for_each(task.for_each)
        self._stable_id = stable_id
        self._items = BatchItems(task, variables, stable_id)
        rate = Rate.parse(each.rate) if isinstance(each.rate, str) else each.rate
        # No time passes in a rehearsal.
        self._rate = None if variables.are_rehearsed else rate
        parts = JournalParts(journal, "batch.results") if journal.is_kept else None
        self.results: Results = results_at(each.results, "for_each", variables, parts)
        # Pages are a read, whatever its method is.
        is_read = task.pages is not None
        self._repeats = is_read or repeats_safely(task.method, task.headers) or bool(task.idempotency_key)
        # Without a journal, the next try would not know that there is something to ask.
        asks = isinstance(task.on_unknown, Confirm) and journal.is_kept
        self._is_final = not asks and task.on_unknown != "resend"
        self._memory = BatchMemory(
            journal,
            self.results,
            fingerprint=call.definition,
            keeps_windows=not self._repeats,
            window=each.concurrency * _WINDOW,
        )
        self._memory.expect(self._items.total)
        self._memory.recall(task.log, anew=is_anew(variables["conf"], task.log), asks=asks)
        self._unknown = self._memory.unknown
        self._progress = ProgressLog()
        #: Seconds that an item waits for its turn; for a longer wait the worker is freed, and the task's next try goes on.
        self._longest_wait = longest_wait_on_worker()
        self._early = DoneEarly(self._memory)
        self._error: CloudFunctionError | None = None
        #: Whether an item has failed that the next try will call for again.
        self._is_stopped = False
        #: Whether nothing more is to begin, as an item has failed whose turn to be told has not come.
        self._is_ending = False
        #: Whether all items have begun.
        self._is_whole = False
        #: The items that were sent, and have not come to a result.
        self._sent: set[int] = set()
        #: What keeps the batch from going on, besides what items fail with.
        self._broken: Exception | None = None

    def carry_out(self, context: Context) -> Summary:
        """
        Make all calls that are not made yet, and push what has failed.

        :returns: How it ended.
        :raises OutcomeUnknownError: where an earlier try may have sent items that may not be sent twice.
        :raises CloudFunctionError: where an item fails and ``on_error`` is ``fail``, or too many have failed.
        """
        try:
            return self._carried_out(context)
        finally:
            self._task.recorder.items = self._memory.told()
            self._task.call_is_final = self._memory.leaves_no_trace and self._task.on_unknown != "resend"

    def _carried_out(self, context: Context) -> Summary:
        self._refuse_unknown()
        if not self._memory.entry.finished:
            self.results.check()
            client = self._call.hook.client()
            own = PacedLimiter(self._rate, name="for_each.rate")
            turns = TurnsAhead(own if client.limiter is None else AllLimits(own, client.limiter))
            with new_garbage_only():
                run(lambda: self._run(replace(client, limiter=turns), turns))
        entry, told = self._memory.entry, self._memory.told()
        summary = Summary(told.total, told.ok, told.failed, told.unknown, round(self._progress.spent, 3))
        self._task.log.info(summary.sentence(made=summary.count - self._memory.skipped))
        if self._each.on_error == "continue" or entry.failed:
            failures = [asdict(failure) for failure in entry.failures]
            if entry.failed > len(failures):
                self._task.log.warning(
                    "XCom %r has the first %s of what has failed: the log of each try has all",
                    FAILURES_KEY,
                    f"{len(failures):,}",
                )
            outlast(
                lambda: context["ti"].xcom_push(key=FAILURES_KEY, value=failures),
                "the list of what has failed",
                self._task.log,
            )
        if not self._is_tolerated(at_the_end=True):
            raise (
                self._error
                if self._is_stopped and self._error is not None
                else too_many(entry, self._each, FAILURES_KEY)
            )
        return summary

    def finish(self) -> Any:
        """Return what the step returns, and let the next try know that all is done."""
        entry = self._memory.entry
        found = self.results.finish() if entry.stored is None else entry.stored
        if not entry.finished:
            self._memory.finish(found)
        if self._memory.entry.stored is not None:
            # An earlier try that was killed when it had all may not have come to this.
            self.results.discard(self._memory.entry.parts)
        return found

    async def _run(self, client: Client, turns: TurnsAhead) -> None:
        concurrency = self._each.concurrency
        async with client.session() as session:

            async def one(_: int, item: BatchItem) -> Any:
                turns.give()
                try:
                    result = await self._result_of(session, item)
                except Exception as error:
                    # At once, and not in its turn: those before it can take their time.
                    if self._each.on_error == "fail" or not isinstance(error, CloudFunctionError):
                        self._is_ending = True
                    raise
                await self._early.add(item, result)
                return result

            left = self._left(turns)
            done = run_batch(left, one, concurrency=concurrency, ahead=concurrency * _AHEAD, goes_on=self._goes_on)
            try:
                async with aclosing(done):
                    async for ended in done:
                        try:
                            async with self._early.turn:
                                self._take(ended)
                                if self._memory.is_due:
                                    # The calls that are under way go on: a storage, or Airflow, can be away for a while.
                                    await in_daemon_thread(self._memory.keep, "cloudfn-batch")
                        except Exception as error:
                            self._break(error)
            except BaseException:
                # What was under way is cut short: what may have been sent stays written down as it is.
                self._early.hand_over()
                # An outage of Airflow, or of a storage, must not hold up the time limit of the task.
                for_a_while(self._memory.keep, "cloudfn-batch", _LONGEST_END)
                raise
        await in_daemon_thread(partial(self._memory.stop, self._sent), "cloudfn-batch")
        if isinstance(self._broken, RequestTimeoutError):
            raise self._broken.reworded(f"for_each: {self._broken.message}; {self._told_done()}")
        if self._broken is not None:
            raise self._broken
        if self._call.hook.is_ended and not (self._is_whole or self._is_stopped):
            raise CloudFunctionError(f"for_each: the task was ended from outside; {self._told_done()}", retryable=True)

    async def _left(self, turns: TurnsAhead) -> AsyncIterator[tuple[int, BatchItem]]:
        """Yield the items that no earlier try has done."""
        try:
            items = Peekable(self._items)
            for item in items:
                if self._memory.passes_over(item.index, item.key):
                    continue
                if self._memory.result_of(item.index) is None:
                    await self._call.hook.client().unless_ended(turns.take(self._longest_wait))
                # Something may have failed meanwhile.
                if not self._goes_on():
                    return
                if not self._memory.is_begun(item.index):
                    window = [item, *items.following(self._memory.window - 1)]
                    async with self._early.turn:
                        await in_daemon_thread(partial(self._memory.begin, window), "cloudfn-batch")
                    # And while it was written down.
                    if not self._goes_on():
                        return
                yield item.index, item
            self._memory.require_all(self._items.count)
            self._is_whole = True
        except Exception as error:
            self._break(error)

    def _break(self, error: Exception) -> None:
        """Let nothing more begin, and raise an error as soon as what is under way has ended."""
        self._broken = self._broken or error
        self._is_stopped = True

    async def _result_of(self, session: Client, item: BatchItem) -> Any:
        if (known := self._memory.result_of(item.index)) is not None:
            return known.result
        task, call = self._task, self._call
        if item.index in self._unknown and task.on_unknown != "resend":
            if not isinstance(task.on_unknown, Confirm):
                raise self._unknown_outcome([item.key])
            response = await session.request(*call.confirmation(item.variables))
            if call.is_confirmed(response, item.variables):
                return self._confirmed_result(task.on_unknown, response, item)
        self._unknown.discard(item.index)
        request = call.request_for(item, self._stable_id)
        variables = item.variables
        if task.pages is not None:
            found, pages, response = await all_pages(call, session, task.pages, request, variables)
            variables = variables.with_response(response.as_variable()).with_more(items=found, pages=pages)
            result: Any = found
        else:
            reached: set[str] = set()
            sending = replace(call.sending(variables), tell=reached.add)
            try:
                response = await session.request(request, sending)
                variables = variables.with_response(response.as_variable())
                call.require_success(response, variables)
            except CloudFunctionError as error:
                if not self._repeats and is_unknown_after(
                    error, sent="sent" in reached, carried_out="carried_out" in reached
                ):
                    self._sent.add(item.index)
                    if self._is_final:
                        raise self._unknown_outcome([item.key], error) from error
                raise
            result = response.body
        if not self._repeats:
            self._sent.add(item.index)
        if task.returns is not None:
            result = task.evaluate_after_call("returns", variables)
        result = task.storable_result(result, response)
        self._sent.discard(item.index)
        return result

    def _confirmed_result(self, confirm: Confirm, response: Response, item: BatchItem) -> Any:
        """Return the result of an item that an earlier try has sent, and that the service says is done."""
        task, variables = self._task, item.variables.with_response(response.as_variable())
        name = "on_unknown.returns" if confirm.returns is not None else "returns"
        asked = name != "returns" or task.returns is not None
        result = task.evaluate_after_call(name, variables) if asked else response.body
        return task.storable_result(result, response)

    def _take(self, done: Done[BatchItem, Any]) -> None:
        item = done.item
        self._early.forget(item)
        if isinstance(done.error, CloudFunctionError):
            self._take_failure(item, done.error)
        elif done.error is not None:
            if not self._repeats:
                self._sent.add(item.index)
            self._break(done.error)
        elif self._is_stopped or not self._keeps(done.result):
            self._memory.take_ahead(ItemResult(index=item.index, key=item.key, result=done.result))
        else:
            self._memory.take(item.key, None, done.result)
        line = self._progress.line(self._memory.entry, skipped=self._memory.skipped, total=self._items.total)
        if line is not None:
            self._task.log.info(line)

    def _keeps(self, result: Any) -> bool:
        """Put a result to the others, and return whether they can take it."""
        try:
            self.results.add(result)
        except Exception as error:  # whatever it is, the item's call was made: its result is written down beside
            self._break(error)
            return False
        return True

    def _take_failure(self, item: BatchItem, error: CloudFunctionError) -> None:
        told = str(error)[:1_000]
        self._task.log.warning("Item %d (%s) has failed: %s", item.index, item.key, told)
        is_sent = item.index in self._sent and not isinstance(error, ExpressionError)
        # What an earlier try may have sent stays unknown where the service could not be asked.
        is_unknown = is_sent or isinstance(error, OutcomeUnknownError) or item.index in self._unknown
        if self._error is None:
            said = with_end(error.message, self._told_done())
            self._error = error.reworded(f"for_each: item {item.index} ({item.key}): {said}")
        # One that the rate has held back for too long has not failed: the next try goes on with it, when the service lets it.
        patience = min(seconds("retry_total", self._task.retry_total), self._longest_wait)
        # And one whose own retries the end of the task has cut short.
        is_cut_short = (self._call.hook.is_ended and error.retryable) or is_put_off_for_long(error, patience)
        failure = ItemFailure(
            index=item.index, key=item.key, error=told, status=error.status, request_id=error.request_id
        )
        if self._is_stopped or self._each.on_error == "fail" or is_cut_short:
            self._is_stopped = True
            if not is_cut_short:
                self._memory.put_off(failure, is_unknown=is_unknown)
        elif self._keeps(None):
            self._memory.take(item.key, failure, is_unknown=is_unknown)

    def _told_done(self) -> str:
        of = "" if self._items.total is None else f" of {self._items.total:,}"
        return f"{self._memory.entry.done:,}{of} are done"

    def _goes_on(self) -> bool:
        return not self._is_ending and not self._call.hook.is_ended and self._is_tolerated(at_the_end=False)

    def _is_tolerated(self, *, at_the_end: bool) -> bool:
        if self._is_stopped:
            return False
        most, entry = self._each.max_failures, self._memory.entry
        if self._each.on_error == "fail":
            # They are those of an earlier try, which was to go on with failures: as results they would be null.
            return not entry.failed
        if most is None:
            return True
        if type(most) is int:
            return entry.failed <= most
        # A share is known at the end; before that only where the number of items is.
        whole = entry.done if at_the_end else self._items.total
        return whole is None or entry.failed <= most * whole

    def _refuse_unknown(self) -> None:
        """Fail for good where items may have been sent that may not be sent twice, and nobody said what to do about them."""
        if not self._unknown or self._task.on_unknown != "fail" or self._each.on_error == "continue":
            return
        keys, last = [], max(self._unknown)
        for item in self._items:
            if not self._memory.passes_over(item.index, item.key) and item.index in self._unknown:
                keys.append(item.key)
            # What is wrong behind them is no reason not to say which they are.
            if item.index == last:
                break
        if not keys:
            self._memory.require_all(self._items.count)
        raise self._unknown_outcome(keys)

    def _unknown_outcome(self, keys: list[str], error: CloudFunctionError | None = None) -> OutcomeUnknownError:
        return unknown_outcome(
            keys,
            error,
            goes_on=self._each.on_error == "continue",
            sent_at=self._memory.entry.started_at,
            method=self._task.method,
            url=str(self._call.hook.client().base_url),
        )
