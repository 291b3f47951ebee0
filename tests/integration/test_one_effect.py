"""One event has one effect, whatever is cleared: a Clear of its producer starts its consumer once more."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_cloudfn import CloudFunctionOperator, CompletionEvent, EmporixStartOperator
from airflow_provider_cloudfn.events.record import CompletionRecord, TaskInstanceKey
from airflow_provider_cloudfn.testing import StepResult, run

charged, fulfilled = (CompletionEvent(name) for name in ("charge.created", "order.fulfilled"))


def emitted(order: str) -> dict[str, Any]:
    """Return the event of a charge, as its producer emits it, also after a Clear."""
    return CompletionRecord.of(
        TaskInstanceKey("charge_orders", f"manual__{order}", "charge"),
        type=charged.name,
        function="charge",
        result={"order": order},
        occurred_at=dt.datetime.now(tz=dt.UTC),
    ).to_dict()


def consume(operator: str, orders: list[str], run_id: str) -> StepResult:
    with DAG("fulfil", schedule=[charged]):
        step: Any = (
            EmporixStartOperator(task_id="start", event_type="order.paid", completion_event=fulfilled)
            if operator == "emporix"
            else CloudFunctionOperator(
                task_id="start", method="POST", uri='"/v1/orders"', idempotency_key=True, completion_event=fulfilled
            )
        )
    return run(step, responses=[202], events=[emitted(order) for order in orders], run={"id": run_id})


def ids(result: StepResult) -> tuple[str, str]:
    """Return by which id the service knows the request, and by which one the next Dag knows the event."""
    assert result.completion_event is not None
    headers = {name.lower(): value for name, value in result.request.headers.items()}
    return headers.get("idempotency-key") or headers["ce-id"], result.completion_event.id


@pytest.mark.parametrize("operator", ["cloudfn", "emporix"])
def test_an_event_that_starts_a_second_run_is_the_same_request_and_the_same_next_event(operator: str) -> None:
    first = consume(operator, ["1001"], "asset_triggered__1")
    again = consume(operator, ["1001"], "asset_triggered__2")

    assert ids(first) == ids(again)


@pytest.mark.parametrize("operator", ["cloudfn", "emporix"])
@pytest.mark.parametrize("others", [["1002"], ["1001", "1002"], []])
def test_other_events_are_another_request_and_another_next_event(operator: str, others: list[str]) -> None:
    first = consume(operator, ["1001"], "asset_triggered__1")
    other = consume(operator, others, "asset_triggered__2")

    assert not set(ids(first)) & set(ids(other))


def test_the_order_in_which_events_came_does_not_matter() -> None:
    first = consume("cloudfn", ["1001", "1002"], "asset_triggered__1")
    again = consume("cloudfn", ["1002", "1001"], "asset_triggered__2")

    assert ids(first) == ids(again)
