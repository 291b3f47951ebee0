"""The example Dags, each loaded and run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = Path(__file__).parents[2] / "example_dags"


def test_the_documents_own_example(run_dag: Callable[..., Any], sandbox: Any) -> None:
    result = run_dag(EXAMPLES / "charge_customer.py")

    assert result.state == "success"
    # A token of an earlier test may be refused before: what counts is the request that was taken.
    (request,) = [one for one in sandbox.requests if one.path.endswith("/v1/charges") and one.status == 201]
    assert request.parameters == [("environment", "production")]
    assert request.json() == {"customer_name": "John Doe", "priority": "High", "is_active": True}
    assert request.header("content-type") == "application/json"


@pytest.mark.one_run_per_event
def test_order_to_cash(run_dag: Callable[..., Any], sandbox: Any) -> None:
    producer = run_dag(EXAMPLES / "order_to_cash.py", "charge_orders")

    assert producer.state == "success"
    ((name, record, partition),) = producer.asset_events()
    assert (name, partition) == ("charge.created", record["metadata"]["id"])
    (charge,) = sandbox.charges
    assert record["result"] == {"orderId": "1001", "charge": charge}

    consumer = run_dag(
        EXAMPLES / "order_to_cash.py", "fulfil", run_conf={"context": {"charge.created": record["result"]}}
    )

    assert consumer.state == "success"
    (process,) = sandbox.processes
    assert process.document["context"]["order.paid"] == {"orderId": "1001", "charge": charge}
    assert process.events[0].case_id == "1001"


def test_a_mapped_cloud_function(run_dag: Callable[..., Any], sandbox: Any) -> None:
    result = run_dag(EXAMPLES / "score_customers.py")

    assert result.state == "success"
    customers = result.xcom("customers")
    assert len(result.asset_events()) == len(customers) > 1
    assert result.xcom("report")["of"] == len(customers)


def test_a_paged_read_and_a_call_for_each_item(run_dag: Callable[..., Any], sandbox: Any) -> None:
    result = run_dag(EXAMPLES / "read_customers.py")

    assert result.state == "success"
    read = result.xcom("read_customers")
    pages = [one for one in sandbox.requests if one.path.endswith("/v1/customers")]
    assert len(pages) > 1
    assert len({customer["id"] for customer in read}) == len(read) > 2
    scores = result.xcom("score_each")
    assert [one["customer"] for one in scores] == [customer["id"] for customer in read]
    best = max(scores, key=lambda one: one["score"])
    assert result.xcom("best_customer")["id"] == best["customer"]


def test_a_call_by_amazon_connect(
    run_dag: Callable[..., Any], connection: Callable[..., None], recording_server: Any
) -> None:
    connection(
        "amazon_connect_default",
        conn_type="amazon_connect",
        login="AKIAIOSFODNN7EXAMPLE",
        password="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        extra={"region_name": "eu-central-1", "endpoint_url": recording_server.url},
    )
    recording_server.answer(200, {"ContactId": "c-1"})

    result = run_dag(EXAMPLES / "call_customer.py")

    assert result.xcom("call") == "c-1"
    (request,) = recording_server.received
    assert (request.method, request.target) == ("PUT", "/contact/outbound-voice")
    assert request.json()["DestinationPhoneNumber"] == "+491701234567"
    assert len(request.json()["ClientToken"]) == 36
    assert "Credential=AKIAIOSFODNN7EXAMPLE/" in request.headers["authorization"]
    assert "/eu-central-1/connect/aws4_request" in request.headers["authorization"]


def test_the_sandbox_answers_for_amazon_connect(run_dag: Callable[..., Any], sandbox: Any, connection: Any) -> None:
    connection("amazon_connect_default", **sandbox.connections()["amazon_connect_default"])

    result = run_dag(EXAMPLES / "call_customer.py")

    assert len(result.xcom("call")) == 36
    (request,) = sandbox.requests
    assert (request.path, request.caller) == ("/amazon_connect/contact/outbound-voice", "sigv4")


@pytest.mark.one_run_per_event
def test_every_example_is_loaded_without_an_error(dags_folder: Path) -> None:
    from airflow.dag_processing.dagbag import DagBag

    for file in sorted(EXAMPLES.glob("*.py")):
        copy = dags_folder / file.name
        copy.write_text(file.read_text())
        bag = DagBag(str(copy), bundle_name="dags-folder", bundle_path=dags_folder)
        assert bag.import_errors == {}
        assert bag.dags
