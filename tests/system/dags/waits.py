"""Steps that wait in the triggerer: for an event that another Dag emits, and for a service that calls back."""

from __future__ import annotations

import airflow.sdk
from airflow.sdk import DAG, AssetWatcher
from airflow.triggers.base import BaseEventTrigger

from airflow_provider_cloudfn import (
    Callback,
    CloudFunctionEventTrigger,
    CloudFunctionOperator,
    CompletionEvent,
    CompletionEventSensor,
    EmporixStartOperator,
    Poll,
    WaitFor,
    cel,
)

shipped = CompletionEvent("system.shipped")

with DAG("wait_ship", schedule=None, params={"order": ""}):
    CloudFunctionOperator(
        task_id="ship",
        cloudfn_conn_id="waiting",
        method="POST",
        uri='"/ship"',
        body="params.order",
        completion_event=shipped,
        event_payload='{"order": params.order}',
    )

with DAG("wait_event", schedule=None, params={"order": ""}):
    CloudFunctionOperator(
        task_id="order",
        cloudfn_conn_id="waiting",
        method="POST",
        uri='"/orders"',
        body="params.order",
        wait_for=WaitFor(shipped, match="event.result.order == response.body.order", timeout=600),
        deferrable=True,
    )
    CompletionEventSensor(
        task_id="sense",
        event=shipped,
        match="event.result.order == inputs",
        inputs="{{ params.order }}",
        deferrable=True,
        timeout=600,
    )

with DAG("wait_job", schedule=None):
    CloudFunctionOperator(
        task_id="job",
        cloudfn_conn_id="waiting",
        method="POST",
        uri='"/long"',
        poll=Poll(done_when="response.status == 201", uri='"/long/7"', every=2, cancel='"/long/7"'),
        deferrable=True,
    )

if hasattr(airflow.sdk, "NEVER_EXPIRE"):
    with DAG("wait_callback", schedule=None):
        CloudFunctionOperator(
            task_id="begin",
            cloudfn_conn_id="waiting",
            method="POST",
            uri='"/jobs"',
            body='{"notify": run.callback_url}',
            wait_for=Callback(timeout=600),
            deferrable=True,
        )

if hasattr(BaseEventTrigger, "create_shared_stream_producer"):
    watched = CompletionEvent(
        "system.watched",
        watchers=[
            AssetWatcher(
                name="charges",
                trigger=CloudFunctionEventTrigger(
                    cloudfn_conn_id="shop",
                    uri='"/v1/charges"',
                    items="response.body.items",
                    match='item[?"customer"].orValue("") == "c-watched"',
                    every=2,
                ),
            )
        ],
    )

    with DAG("wait_charge", schedule=None):
        CloudFunctionOperator(
            task_id="charge",
            cloudfn_conn_id="payments",
            method="POST",
            uri='"/v1/charges"',
            body={"amount": 5, "customer": "c-watched"},
            idempotency_key=True,
        )

    with DAG("wait_watched", schedule=[watched]):
        EmporixStartOperator(
            task_id="start",
            emporix_conn_id="emporix",
            event_type="watched",
            subject="Charged",
            payload=cel('events.map(e, {"type": e.metadata.type, "customer": e.result.customer})'),
        )
