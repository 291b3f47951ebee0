"""Many events, one run that maps over them, once the day is over."""

from __future__ import annotations

from airflow.sdk import DAG, Asset

from airflow_provider_cloudfn import CloudFunctionOperator, CompletionEvent, EmporixStartOperator, cel

reported = CompletionEvent("system.reported")
day_ended = Asset("system.day_ended")

with DAG("produce_merged", schedule=None, params={"label": ""}, max_active_runs=100):
    CloudFunctionOperator(
        task_id="report",
        cloudfn_conn_id="cloudfn_default",
        method="POST",
        uri='"/v1/reports"',
        body='{"label": params.label}',
        completion_event=reported,
        event_payload="response.body.label",
    )

with DAG("consume_merged", schedule=reported | day_ended):
    EmporixStartOperator.partial(task_id="start", emporix_conn_id="emporix_oe_default", event_type="reported").expand(
        payload=reported.read()
    )
    EmporixStartOperator(
        task_id="count", emporix_conn_id="emporix", event_type="counted", payload={"events": cel("size(events)")}
    )
