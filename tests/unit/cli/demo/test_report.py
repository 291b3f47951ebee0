"""What the demo tells."""

from __future__ import annotations

import io
from typing import Any

import httpx

from airflow_provider_cloudfn.cli.demo.order_to_cash import Outcome, RunStory, StepStory
from airflow_provider_cloudfn.cli.demo.report import Report
from airflow_provider_cloudfn.sandbox import Sandbox
from airflow_provider_cloudfn.sandbox.signing import signature


def tell(**changed: Any) -> str:
    """Run one step of each Dag by hand, and return what is told of it."""
    with Sandbox.start() as sandbox, httpx.Client(base_url=sandbox.url, trust_env=False) as client:
        key = {"x-api-key": sandbox.credentials.api_key}
        charge = client.post("/header/v1/charges?environment=production", json={"amount": 5}, headers=key).json()
        event = {"content-type": "application/json", "ce-specversion": "1.0", "ce-id": "e-1", "ce-source": "s"}
        event |= {"ce-type": "order.paid", "x-emporix-hmac": signature(sandbox.credentials.event_secret, b"{}")}
        client.post(f"/e/{sandbox.credentials.event_source}", content=b"{}", headers=event)
        sent = sandbox.requests
        producer = StepStory(
            instance={"task_id": "charge", "operator_name": "CloudFunctionOperator", "state": "success"},
            requests=(sent[0],),
            returned=changed.get("returned", charge),
            log=changed.get("log", ()),
        )
        consumer = StepStory(
            instance={"task_id": "start", "operator_name": "EmporixStartOperator", "state": "success"},
            requests=(sent[1],),
            returned={"id": "e-1"},
            log=(),
        )
        told = io.StringIO()
        Report(told, "http://127.0.0.1:1").tell(
            Outcome(
                producer=RunStory({"dag_id": "charge_orders", "dag_run_id": "r1", "state": "success"}, (producer,)),
                events=(
                    {
                        "name": "charge.created",
                        "uri": "cloudfn://charge.created",
                        "extra": {"result": charge},
                        "created_dagruns": [{"dag_id": "fulfil", "run_id": "r2"}],
                    },
                ),
                consumers=(
                    RunStory(
                        {"dag_id": "fulfil", "dag_run_id": "r2", "state": "success", "partition_key": "k"}, (consumer,)
                    ),
                ),
                charges=tuple(sandbox.charges),
                processes=tuple(sandbox.processes),
            )
        )
        assert not [secret for secret in sandbox.credentials.secrets() if secret in told.getvalue()]
        return told.getvalue()


def test_each_call_event_and_run_is_told_in_its_order() -> None:
    told = tell()
    said = [
        "1. The producer: run r1 - success",
        "http://127.0.0.1:1/dags/charge_orders/runs/r1",
        "Step charge (CloudFunctionOperator) - success",
        "-> POST /header/v1/charges?environment=production",
        "x-api-key: ***",
        '{"amount": 5}',
        "<- 201",
        "returned to XCom: the answer's body",
        "2. The completion event charge.created",
        "It started Dag fulfil, run r2",
        "3. The consumer, Dag fulfil: run r2 - success",
        "partition key: k",
        "-> POST /e/src_sandbox00001",
        "<- 200",
        '{"id": "e-1"}',
        "4. The process in Emporix:",
        "started by event order.paid",
    ]
    places = [told.index(text) for text in said]
    assert places == sorted(places)


def test_what_was_returned_is_told_where_it_is_not_the_answer() -> None:
    assert 'returned to XCom:\n      {"id": 1}\n' in tell(returned={"id": 1})


def test_the_log_of_a_step_that_failed_is_told() -> None:
    assert "    | it failed\n" in tell(log=("it failed",))


def test_there_is_no_colour_where_nobody_looks() -> None:
    assert "\x1b" not in tell()
