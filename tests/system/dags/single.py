"""A run for every single event (on Airflow 3.2: runs as they come), from plain and from mapped producers."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_provider_cloudfn import CloudFunctionOperator, CompletionEvent, EmporixStartOperator, cel
from airflow_provider_cloudfn.events.asset import partitions_available

scored = CompletionEvent("system.scored", one_run_per_event=partitions_available())

with DAG("produce_plain", schedule=None, params={"label": ""}, max_active_runs=100):
    CloudFunctionOperator(
        task_id="score",
        cloudfn_conn_id="payments",
        method="POST",
        uri='"/v1/reports"',
        query={"of": "params.label"},
        headers={"X-Label": "params.label"},
        body='{"label": params.label}',
        completion_event=scored,
        event_payload="response.body.label",
    )

with DAG("produce_mapped", schedule=None, params={"label": ""}, max_active_runs=100):
    CloudFunctionOperator.partial(
        task_id="score",
        cloudfn_conn_id="shop",
        method="POST",
        uri='"/v1/reports"',
        body='{"label": params.label + inputs}',
        completion_event=scored,
        event_payload="response.body.label",
    ).expand(inputs=["-a", "-b"])

with DAG("consume_single", schedule=scored.each() if partitions_available() else [scored], max_active_runs=100):
    EmporixStartOperator(
        task_id="start",
        emporix_conn_id="emporix",
        event_type="scored",
        payload={"label": cel('context["system.scored"]'), "events": cel("size(events)")},
    )
