"""What a task can return of a call that was made: if Airflow could not keep it, the task would fail, and call again."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from airflow.sdk.serde import serialize

from airflow_provider_cloudfn import CompletionRecord
from airflow_provider_cloudfn.client.sink import StoredBody
from airflow_provider_cloudfn.events.record import TaskInstanceKey
from airflow_provider_cloudfn.hooks.emporix import AcceptedEvent

RECORD = CompletionRecord.of(
    TaskInstanceKey("d", "r", "t"),
    type="charge.created",
    function="charge",
    result={},
    occurred_at=dt.datetime.now(dt.UTC),
)


@pytest.mark.parametrize(
    "value",
    [AcceptedEvent("e-1", "order.paid", "airflow/orders", "req_NkMd", 200), StoredBody(3, "text/plain", "ab"), RECORD],
    ids=lambda value: type(value).__name__,
)
def test_airflow_keeps_what_a_task_returns(value: Any) -> None:
    written: Any = serialize(value)
    assert written["__classname__"].endswith(type(value).__name__)
