"""Call records for tests, and task instances that have left them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.client.time_split import TimeSplit
from airflow_provider_cloudfn.records.call_record import (
    CALL_RECORD_KEY,
    Answered,
    AttemptRecord,
    CallRecord,
    ErrorRecord,
    Excerpt,
    Exchange,
    Sent,
    Totals,
)

if TYPE_CHECKING:
    from kit.dag_runs import DagResult


def call_record(**changes: Any) -> CallRecord:
    """Return the record of a POST that was answered at once."""
    at = dt.datetime.now(tz=dt.UTC)
    sent = Sent(
        method="POST",
        url="https://service.test/v1/charges?environment=production",
        headers=(("authorization", "***"), ("content-type", "application/json")),
        body=Excerpt(text='{"amount": 129.5}', size=17),
    )
    answered = Answered(
        status=201,
        headers=(("x-request-id", "req-1"),),
        request_id="req-1",
        body=Excerpt(text='{"id": "ch_1"}', size=14),
    )
    split = TimeSplit(credentials=0.02, name=0.001, connect=0.002, tls=0.01, first_byte=0.05, download=0.002)
    given: dict[str, Any] = {
        "function": "call",
        "conn_id": "service",
        "conn_type": "cloudfn",
        "kind": "call",
        "outcome": "success",
        "started_at": at,
        "seconds": 0.09,
        "totals": Totals(calls=1, attempts=1, bytes_out=17, bytes_in=14),
        "exchange": Exchange(sent=sent, answered=answered),
        "attempts": (AttemptRecord(number=1, started_at=at, seconds=0.085, status=201, split=split),),
    }
    return CallRecord(**{**given, **changes})


FAILED = {
    "outcome": "failed",
    "exchange": Exchange(sent=Sent(method="POST", url="https://service.test/v1/charges")),
    "attempts": (),
    "error": ErrorRecord(type="RequestTimeoutError", message="the service stayed silent for too long", retryable=True),
}


def leave(result: DagResult, task_id: str = "call", map_index: int = -1, **changes: Any) -> None:
    """Let a task instance of a run have left a record."""
    leave_value(result, call_record(**changes).to_dict(), task_id, map_index)


def leave_value(result: DagResult, value: Any, task_id: str = "call", map_index: int = -1) -> None:
    """Let a task instance of a run have left anything in the place of its record."""
    from airflow.models.xcom import XComModel

    named: dict[str, Any] = {
        "dag_id": result.dag_id,
        "run_id": result.run_id,
        "task_id": task_id,
        "map_index": map_index,
    }
    XComModel.set(CALL_RECORD_KEY, value, **named, serialize=False)
