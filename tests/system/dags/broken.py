"""A Dag that can't work, and what its author is told."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_provider_cloudfn import CloudFunctionOperator

with DAG("broken", schedule=None):
    first = CloudFunctionOperator(task_id="first", uri='"/v1/orders/1001"')
    second = CloudFunctionOperator(task_id="second", uri='"/v1/orders/" + steps.first.id', query={"a": "prams.b"})
