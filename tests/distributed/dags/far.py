"""A batch whose process is killed, which has much to hand on, and a call of a worker whose clock is fast."""

from __future__ import annotations

import datetime as dt
import os

from airflow.sdk import DAG

from airflow_provider_cloudfn import CloudFunctionOperator, ForEach

with DAG("batch_killed", schedule=None, user_defined_macros={"pid": os.getpid}):
    many = CloudFunctionOperator(
        task_id="many",
        cloudfn_conn_id="counting",
        method="POST",
        uri='"/batch-" + item',
        headers={"X-Process": "string(inputs.pid)"},
        inputs={"pid": "{{ pid() }}"},
        for_each=ForEach([f"i{number:02d}" for number in range(40)], concurrency=2, key="item"),
        idempotency_key=True,
        returns='{"id": response.body.id, "padding": "much to hand on".split("").map(c, c + c + c + c).join("-")}',
        retries=1,
        retry_delay=dt.timedelta(0),
    )
    count = CloudFunctionOperator(
        task_id="count",
        cloudfn_conn_id="shop",
        method="POST",
        uri='"/v1/reports"',
        headers={"X-Label": '"stored-" + string(size(steps.many))'},
        body='{"label": steps.many[39].id}',
    )
    many >> count

with DAG("call_on_a_fast_clock", schedule=None):
    CloudFunctionOperator(task_id="call", cloudfn_conn_id="busy", uri='"/"', queue="early")
