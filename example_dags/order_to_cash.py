"""Order to cash: fetch an order, charge it, and start one process in Emporix for every single charge."""

from __future__ import annotations

# [START order_to_cash]
from airflow.sdk import DAG

from airflow_provider_cloudfn import CloudFunctionOperator, CompletionEvent, EmporixStartOperator, cel

charge_created = CompletionEvent("charge.created", one_run_per_event=True)

with DAG(
    "charge_orders",
    schedule=None,
    description="Fetch an order, and charge it",
    doc_md="Fetches the order `order_id`, charges its total, and emits `charge.created`, which starts `fulfil`.",
    params={"order_id": "1001"},
    tags=["cloudfn"],
):
    fetch = CloudFunctionOperator(
        task_id="fetch_order",
        cloudfn_conn_id="shop",
        uri='"/v1/orders/" + url.encode(params.order_id)',
    )
    charge = CloudFunctionOperator(
        task_id="charge",
        cloudfn_conn_id="payments",
        method="POST",
        uri='"/v1/charges"',
        query={"environment": '"production"'},
        headers={"Content-Type": '"application/json"', "Idempotency-Key": "run.idempotency_key"},
        body='{"amount": steps.fetch_order.total, "customer": steps.fetch_order.customer.id}',
        completion_event=charge_created,
        event_payload='{"orderId": steps.fetch_order.id, "charge": response.body}',
    )
    fetch >> charge

with DAG(
    "fulfil",
    schedule=charge_created.each(),
    description="Start a process in Emporix for every single charge",
    doc_md="Runs once for each `charge.created`. By hand, give it the payload in its conf: see the documentation of events.",
    tags=["cloudfn"],
):
    EmporixStartOperator(
        task_id="start",
        emporix_conn_id="emporix",
        event_type="order.paid",
        subject="Order paid",
        case_id=cel('context["charge.created"].orderId'),
        payload=cel('context["charge.created"]'),
    )
# [END order_to_cash]
