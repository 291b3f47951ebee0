"""Many reports at once: mapped ones with OAuth 2.0, and such as an outage of Airflow itself hits at their end; and deferred waits."""

from __future__ import annotations

import datetime as dt

from airflow.sdk import DAG

from airflow_provider_cloudfn import CloudFunctionHttpSensor, CloudFunctionOperator, CompletionEvent, cel

with DAG("report_hundred", schedule=None):
    CloudFunctionOperator.partial(
        task_id="report",
        cloudfn_conn_id="payments",
        method="POST",
        uri='"/v1/reports"',
        headers={"X-Label": '"hundred-" + string(inputs)'},
        body='{"label": "hundred-" + string(inputs)}',
    ).expand(inputs=list(range(100)))

with DAG("report_through_outage", schedule=None, params={"label": ""}, max_active_runs=100):
    CloudFunctionOperator(
        task_id="report",
        cloudfn_conn_id="shop",
        method="POST",
        uri='"/v1/reports"',
        headers={"X-Label": "params.label", "X-Try": "string(run.try_number)"},
        body='{"label": params.label}',
        completion_event=CompletionEvent("distributed.reported"),
        retries=8,
        retry_delay=dt.timedelta(seconds=5),
    )

for dag_id, timeout, queue in (("wait_for_charge", 300, "default"), ("wait_on_a_fast_clock", 30, "early")):
    with DAG(dag_id, schedule=None, params={"charge": ""}):
        CloudFunctionHttpSensor(
            task_id="wait",
            http_conn_id="shop",
            endpoint="/v1/charges/{{ params.charge }}",
            response_check=cel("response.status == 200"),
            poke_interval=1,
            timeout=timeout,
            deferrable=True,
            queue=queue,
        )
