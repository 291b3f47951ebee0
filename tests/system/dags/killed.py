"""Steps whose process is killed in their first try: by the service when it got the request, or when they are done with it."""

from __future__ import annotations

import datetime as dt
import os
import signal
from typing import Any

from airflow.sdk import DAG

from airflow_provider_cloudfn import CloudFunctionOperator, Confirm


def kill_first_try(context: Any, result: Any) -> None:
    if context["ti"].try_number == 1:
        os.kill(os.getpid(), signal.SIGKILL)


def step(task_id: str, *, partial: bool = False, **parameters: Any) -> Any:
    make = CloudFunctionOperator.partial if partial else CloudFunctionOperator
    return make(
        task_id=task_id,
        cloudfn_conn_id="counting",
        method="POST",
        headers={"X-Process": "string(inputs.pid)"},
        retries=1,
        retry_delay=dt.timedelta(0),
        **parameters,
    )


ASK = Confirm(uri='"/" + run.task_id', done_when="size(response.body) > 0", returns='{"id": response.body[0]}')

with DAG("killed", schedule=None, user_defined_macros={"pid": os.getpid}, max_active_tasks=3):
    own: dict[str, Any] = {"inputs": {"pid": "{{ pid() }}"}, "uri": '"/" + run.task_id'}
    step("fail", **own)
    step("resend", **own, on_unknown="resend")
    step("confirm", **own, on_unknown=ASK)
    step("key", **own, idempotency_key=True)
    step("answered", **own, post_execute=kill_first_try)
    step("mapped", partial=True, inputs=own["inputs"], idempotency_key=False).expand(uri=['"/mapped-0"', '"/mapped-1"'])
