"""What an earlier try has sent where the Dag's file was changed since: one call is many by now, or many are one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_cloudfn.journal.entries import BATCH, BatchEntry, CallEntry
from airflow_provider_cloudfn.journal.task_journal import TaskJournal
from airflow_provider_cloudfn.operators.once import CALL, TaskOutcomeUnknownError, unknown_call

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

    from airflow_provider_cloudfn.operators.cloudfn import CloudFunctionOperator

__all__ = ["require_known_outcome"]


def require_known_outcome(task: CloudFunctionOperator, context: Context) -> None:
    """
    Refuse to send anything where nobody knows what came of what an earlier try has sent in another way, and tell what is known.

    :param task: The operator, whose parameters are rendered.
    :raises OutcomeUnknownError: in that case, unless ``on_unknown`` is ``resend``.
    """
    journal = TaskJournal.of(context, task.log)
    if not journal.is_kept:
        return
    if task.has_items or task.pages is not None:
        call = journal.read(CALL, CallEntry)
        if call is not None:
            _require_answer(task, call)
    if not task.has_items:
        batch = journal.read(BATCH, BatchEntry)
        if batch is not None:
            _require_end(task, batch)


def _require_answer(task: CloudFunctionOperator, call: CallEntry) -> None:
    if call.answer is None and task.on_unknown != "resend":
        raise unknown_call(call, "and the try that sent it ended before its answer was there")
    became = "what came of it is not known" if call.answer is None else f"was answered {call.answer.status}"
    task.log.warning(
        "An earlier try has sent %s %s, which %s, before for_each= or pages= was given: what is sent now is sent besides",
        call.method,
        call.url,
        became,
    )


def _require_end(task: CloudFunctionOperator, batch: BatchEntry) -> None:
    if (unknown := batch.unsettled) and task.on_unknown != "resend":
        raise TaskOutcomeUnknownError(
            "an earlier try has made calls by for_each=, which is not given any more, and nobody knows what came of "
            f"{len(unknown):,} of them, from item {min(unknown):,} on, so nothing is sent. Look in the service for these items; "
            "then mark the task as success, or clear it, which sends what it has to send by now",
            sent_at=batch.started_at,
            method=task.method,
            url=task.cloudfn_conn_id,
        )
    if batch.done or batch.ahead or unknown:
        task.log.warning(
            "An earlier try has made calls for %s items by for_each=, which is not given any more: what is sent now is sent "
            "besides",
            f"{batch.done + len(batch.ahead) + len(unknown):,}",
        )
