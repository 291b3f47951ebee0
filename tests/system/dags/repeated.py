"""A step that is tried again, and one that fails after its call."""

from __future__ import annotations

import datetime as dt
from typing import Any

from airflow.sdk import DAG

from airflow_provider_cloudfn import CloudFunctionOperator, CompletionEvent, EmporixStartOperator, cel

with DAG("charge_again", schedule=None, params={"label": ""}):
    CloudFunctionOperator(
        task_id="charge",
        cloudfn_conn_id="payments",
        method="POST",
        uri='"/v1/charges"',
        headers={"Idempotency-Key": "run.idempotency_key", "X-Label": "params.label", "X-Try": "run.try_number"},
        body='{"amount": 5, "label": params.label}',
        success_when="run.try_number > 1",
        completion_event=CompletionEvent("system.charged"),
        retries=1,
        retry_delay=dt.timedelta(0),
    )


def broken(context: Any, result: Any = None) -> None:
    raise RuntimeError("broken after the call")


with DAG("fail_late", schedule=None):
    late = CloudFunctionOperator(
        task_id="late",
        cloudfn_conn_id="shop",
        uri='"/v1/orders/1001"',
        completion_event=CompletionEvent("system.late"),
        post_execute=broken,
    )
    start = EmporixStartOperator(
        task_id="start",
        emporix_conn_id="emporix",
        event_type="late",
        payload={"late": cel('context["system.late"]')},
        trigger_rule="all_done",
    )
    late >> start
