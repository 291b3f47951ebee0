"""A call over each of the connections that are made in the browser."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_provider_cloudfn import CloudFunctionOperator, EmporixStartOperator, cel

for name in ("shop", "payments"):
    with DAG(f"use_form_{name}", schedule=None):
        CloudFunctionOperator(
            task_id="fetch",
            cloudfn_conn_id=f"form_{name}",
            uri='"/v1/orders/1001"',
            headers={"X-Dag": "run.dag_id"},
        )

with DAG("use_form_connect", schedule=None):
    CloudFunctionOperator(
        task_id="call",
        cloudfn_conn_id="form_connect",
        method="PUT",
        uri='"/contact/task"',
        body='{"InstanceId": "11111111-2222-3333-4444-555555555555", "Name": "call back"}',
    )

with DAG("use_form_emporix", schedule=None):
    EmporixStartOperator(
        task_id="start", emporix_conn_id="form_emporix", event_type="form.used", payload={"dag": cel("run.dag_id")}
    )
