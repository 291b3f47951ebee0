"""The Dag of the README, as a test of its author sees it."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_cloudfn import CloudFunctionOperator, CompletionEvent, EmporixStartOperator, cel

ORDER = {"id": "1001", "total": 42, "customer": {"id": "c-1"}}


@pytest.fixture
def dag() -> DAG:
    with DAG("charge_orders", schedule=None, params={"order_id": "1001"}) as made:
        fetch = CloudFunctionOperator(
            task_id="fetch_order", cloudfn_conn_id="shop", uri='"/v1/orders/" + url.encode(params.order_id)'
        )
        charge = CloudFunctionOperator(
            task_id="charge",
            cloudfn_conn_id="payments",
            method="POST",
            uri='"/v1/charges"',
            query={"environment": '"production"'},
            headers={"Idempotency-Key": "run.idempotency_key"},
            body='{"amount": steps.fetch_order.total, "customer": steps.fetch_order.customer.id}',
            completion_event=CompletionEvent("charge.created"),
            event_payload='{"orderId": steps.fetch_order.id, "charge": response.body}',
        )
        start = EmporixStartOperator(
            task_id="start",
            emporix_conn_id="emporix",
            event_type="order.paid",
            subject="Order {{ params.order_id }}",
            case_id=cel('context["charge.created"].orderId'),
            payload=cel('context["charge.created"]'),
        )
        score = CloudFunctionOperator.partial(
            task_id="score", cloudfn_conn_id="shop", uri='"/v1/scores/" + inputs.id'
        ).expand(inputs=fetch.output)
        report = CloudFunctionOperator(
            task_id="report", cloudfn_conn_id="shop", uri='"/v1/reports/" + string(size(steps.score))'
        )
        fetch >> charge >> start
        score >> report
    return made


@pytest.fixture
def charge(dag: DAG) -> Any:
    return dag.get_task("charge")
