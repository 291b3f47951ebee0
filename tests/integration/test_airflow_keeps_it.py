"""A call that was carried out is made once, though Airflow can't keep what it left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kit import state_store

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.skipif(not state_store.is_there(), reason="before 3.3 a task is tried again whatever its error is")
def test_what_it_can_t_keep_fails_the_step_for_good(
    run: Callable[..., Any], connected: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__XCOM_LIMIT", "100")
    server = connected()
    server.answer(body=b'"' + b"x" * 200 + b'"')

    result = run(
        "CloudFunctionOperator(task_id='t', cloudfn_conn_id='service', method='POST', uri='\"/x\"', retries=2)"
    )

    assert result.states == {"t": ["failed"]}
    assert len(server.received) == 1


NUMBERS = rb'{"amount": 12345678901234567.89, "id": 1000000000000000000000000000000, "price": 10.5, "note": "a\u0000b"}'


def test_a_number_keeps_its_digits_from_step_to_step(run: Callable[..., Any], connected: Callable[..., Any]) -> None:
    server = connected()
    server.answer(body=NUMBERS)

    result = run(
        """
        common = {"cloudfn_conn_id": "service", "method": "POST", "uri": "'/x'"}
        fetch = CloudFunctionOperator(task_id="fetch", **common)
        to_a_step = CloudFunctionOperator(task_id="to_a_step", body="steps.fetch", **common)
        to_inputs = CloudFunctionOperator(task_id="to_inputs", inputs=fetch.output, body="inputs.amount", **common)
        doubled = CloudFunctionOperator(task_id="doubled", body="[steps.fetch.price * 2.0, steps.fetch.id > 0]", **common)
        fetch >> to_a_step >> to_inputs >> doubled
        """
    )

    assert result.state == "success"
    assert [request.body for request in server.received[1:]] == [
        '{"amount":12345678901234567.89,"id":1000000000000000000000000000000,"price":10.5,"note":"a\ufffdb"}'.encode(),
        b"12345678901234567.89",
        b"[21.0,true]",
    ]
    assert result.xcom("fetch") == {
        "amount": {"$cloudfn.number": "12345678901234567.89"},
        "id": {"$cloudfn.number": "1000000000000000000000000000000"},
        "price": 10.5,
        "note": "a\ufffdb",
    }


def test_an_event_keeps_the_digits_of_a_number(run: Callable[..., Any], connected: Callable[..., Any]) -> None:
    server = connected()
    server.answer(body=NUMBERS)

    run(
        """
        common = {"cloudfn_conn_id": "service", "method": "POST", "uri": "'/x'"}
        fetch = CloudFunctionOperator(task_id="fetch", completion_event=CompletionEvent("order.paid"), **common)
        fetch >> CloudFunctionOperator(task_id="charge", body='context["order.paid"].amount', **common)
        """
    )

    assert server.received[1].body == b"12345678901234567.89"
