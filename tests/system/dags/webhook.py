"""A run for every single event that a service outside sends (on Airflow 3.2: runs as they come)."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_provider_cloudfn import CompletionEvent, EmporixStartOperator, cel
from airflow_provider_cloudfn.events.asset import partitions_available

paid = CompletionEvent("system.webhook", one_run_per_event=partitions_available())

with DAG("consume_webhook", schedule=paid.each() if partitions_available() else [paid], max_active_runs=100):
    EmporixStartOperator(
        task_id="start",
        emporix_conn_id="emporix",
        event_type="paid",
        payload={"order": cel('context["system.webhook"]'), "sender": cel("events[0].metadata.sender_id")},
    )
