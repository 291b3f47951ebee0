"""A chain of three Dags, each started by the event of the one before it. Airflow 3.2 has none."""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, Asset, task

from airflow_provider_cloudfn import CloudFunctionOperator, CompletionEvent, EmporixStartOperator, cel
from airflow_provider_cloudfn.events.asset import partitions_available

if partitions_available():
    placed, paid, noted = (
        CompletionEvent(f"system.{name}", one_run_per_event=True) for name in ("placed", "paid", "noted")
    )
    ledger = Asset("system.ledger")

    with DAG("chain_place", schedule=None, params={"label": ""}):
        # An ordinary asset beside a single event, in one step.
        CloudFunctionOperator(
            task_id="place",
            cloudfn_conn_id="shop",
            method="POST",
            uri='"/v1/reports"',
            body='{"label": params.label}',
            completion_event=placed,
            event_payload="params.label",
            outlets=[ledger],
        )

    with DAG("chain_book", schedule=[ledger]):
        EmporixStartOperator(task_id="start", emporix_conn_id="emporix", event_type="booked")

    with DAG("chain_pay", schedule=placed.each()):
        pay = CloudFunctionOperator(
            task_id="pay",
            cloudfn_conn_id="payments",
            method="POST",
            uri='"/v1/charges"',
            body={"amount": 5, "label": cel('context["system.placed"]')},
            idempotency_key=True,
            completion_event=paid,
            event_payload='{"charge": response.body.id}',
        )

        # A task's own outlet, in a run that has a partition key.
        @task(outlets=[noted])
        def note(charge: Any, *, outlet_events: Any) -> None:
            outlet_events[noted].extra = {"charge": charge["id"]}
            outlet_events[noted].add_partitions(f"note of {charge['id']}")

        note(pay.output)

    with DAG("chain_ship", schedule=paid.each()):
        EmporixStartOperator(
            task_id="start", emporix_conn_id="emporix", event_type="shipped", payload=cel('context["system.paid"]')
        )

    with DAG("chain_note", schedule=noted.each()):
        EmporixStartOperator(
            task_id="start", emporix_conn_id="emporix", event_type="noted", payload=cel('context["system.noted"]')
        )
