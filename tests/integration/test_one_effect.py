"""One event has one effect, whatever is cleared: a Clear of its producer starts its consumer once more."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_cloudfn import (
    CloudFunctionOperator,
    CompletionEvent,
    EmporixStartOperator,
    EventPublishOperator,
    cel,
)
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


def mapped(operator: str, orders: list[str]) -> Any:
    """Return a step that is mapped over the events, each instance named by its own."""
    rows = [emitted(order) for order in orders]
    own = [row["metadata"]["id"] for row in rows]
    with DAG("fulfil", schedule=[charged]):
        if operator == "emporix":
            return EmporixStartOperator.partial(task_id="start", event_type="order.paid").expand_kwargs(
                [{"payload": row["result"], "id_from": id_} for row, id_ in zip(rows, own, strict=True)]
            )
        given: Any = {"event_type": "order.paid"} if operator == "publish" else {"method": "POST"}
        kind = EventPublishOperator if operator == "publish" else CloudFunctionOperator
        return kind.partial(
            task_id="start", uri='"/v1/orders"', idempotency_key=cel("inputs.metadata.id"), **given
        ).expand(inputs=rows)


EVERY_MAPPED = pytest.mark.parametrize("operator", ["cloudfn", "emporix", "publish"])


def known_as(operator: str, orders: list[str], which: int, started_by: list[str], run_id: str) -> tuple[str, ...]:
    """Return by what the service knows the request of an instance."""
    result = run(
        mapped(operator, orders),
        responses=[202],
        events=[emitted(order) for order in started_by],
        run={"id": run_id},
        map_index=which,
    )
    headers = {name.lower(): value for name, value in result.request.headers.items()}
    return tuple(headers[name] for name in ("idempotency-key", "ce-id") if name in headers)


@EVERY_MAPPED
@pytest.mark.parametrize(
    ("orders", "which"), [(["1002", "1001"], 1), (["1001"], 0), (["1001", "1002", "1003"], 0)], ids=str
)
def test_an_instance_that_is_named_by_its_event_does_one_thing_whatever_the_event_came_with(
    operator: str, orders: list[str], which: int
) -> None:
    first = known_as(operator, ["1001", "1002"], 0, ["1001", "1002"], "asset_triggered__1")

    assert first == known_as(operator, orders, which, orders, "asset_triggered__2")


@EVERY_MAPPED
def test_two_instances_do_two_things(operator: str) -> None:
    both = ["1001", "1002"]
    first, second = (known_as(operator, both, which, both, "asset_triggered__1") for which in (0, 1))

    assert not set(first) & set(second)


@pytest.mark.parametrize("named", ["", "  ", True, 1.5, cel("null")])
def test_an_event_for_the_engine_that_is_named_by_nothing_is_not_sent(named: Any) -> None:
    with DAG("fulfil", schedule=None):
        step = EmporixStartOperator(task_id="start", event_type="order.paid", id_from=named)

    result = run(step, responses=[])

    assert "id_from: " in str(result.error)
    assert "name what the event is about" in str(result.error)
