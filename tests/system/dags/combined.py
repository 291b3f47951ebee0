"""Consumers of an event and an ordinary asset together, and of either; and what Airflow itself shows them of the event."""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, Asset, task

from airflow_provider_cloudfn import CloudFunctionOperator, CompletionEvent, EmporixStartOperator, cel

left = CompletionEvent("system.left")
right = Asset("system.right")

with DAG("produce_left", schedule=None, params={"label": ""}):
    CloudFunctionOperator(
        task_id="report",
        cloudfn_conn_id="shop",
        method="POST",
        uri='"/v1/reports"',
        body='{"label": params.label}',
        completion_event=left,
        event_payload='{"label": response.body.label}',
    )

with DAG("produce_right", schedule=None):

    @task(outlets=[right])
    def make(*, outlet_events: Any) -> None:
        outlet_events[right].extra = {"id": 7}

    make()

with DAG("consume_both", schedule=left & right):
    EmporixStartOperator(
        task_id="start",
        emporix_conn_id="emporix",
        event_type="both",
        payload={
            "left": cel('context["system.left"].label'),
            "right": cel('context["system.right"].id'),
            "types": cel("events.map(e, e.metadata.type)"),
        },
    )

with DAG("consume_either", schedule=left | right):
    EmporixStartOperator(
        task_id="start",
        emporix_conn_id="emporix",
        event_type="either",
        payload={
            "types": cel("events.map(e, e.metadata.type)"),
            "jinja": "{% for events in triggering_asset_events.values() %}{{ events[0].extra | tojson }}{% endfor %}",
        },
    )

    @task
    def look(*, triggering_asset_events: Any) -> list[Any]:
        return [event.extra for event in triggering_asset_events.get(left, [])]

    look()
