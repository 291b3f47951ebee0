"""The whole round with a process engine: start a process, go on with it, and wait until it says that it is done."""

from __future__ import annotations

# [START process_round]
from airflow.sdk import DAG

from airflow_provider_cloudfn import (
    CloudFunctionOperator,
    CompletionEvent,
    CompletionEventSensor,
    EmporixProcessContextOperator,
    EmporixResumeOperator,
    EmporixStartOperator,
    cel,
)

process_finished = CompletionEvent("process.finished", one_run_per_event=True)

with DAG(
    "pack_order",
    schedule=None,
    description="Start a process for an order, tell it that the order is packed, and wait for its end",
    doc_md="The process posts its event `process.finished` to Airflow, which `wait` waits for, and which starts `book_order`.",
    params={"order_id": "1001"},
    tags=["cloudfn"],
):
    start = EmporixStartOperator(
        task_id="start",
        emporix_conn_id="emporix",
        event_type="order.placed",
        case_id=cel("params.order_id"),
        payload={"orderId": cel("params.order_id")},
    )
    find = EmporixProcessContextOperator(
        task_id="find",
        emporix_conn_id="emporix",
        instance_id=cel("steps.start.id"),
        returns="response.body.context.instanceid",
    )
    packed = EmporixResumeOperator(
        task_id="packed",
        emporix_conn_id="emporix",
        event_type="order.packed",
        instance_id=cel("steps.find"),
        payload={"orderId": cel("params.order_id"), "parcels": 1},
    )
    wait = CompletionEventSensor(
        task_id="wait", event=process_finished, match="event.result.instanceId == steps.find", timeout=3600
    )
    start >> find >> packed >> wait

with DAG(
    "book_order",
    schedule=process_finished.each(),
    description="Book what a process has ended with",
    doc_md="Runs once for each process that has told Airflow of its end.",
    tags=["cloudfn"],
):
    CloudFunctionOperator(
        task_id="book",
        cloudfn_conn_id="shop",
        method="POST",
        uri='"/v1/reports"',
        body='{"label": context["process.finished"].instanceId}',
    )
# [END process_round]
