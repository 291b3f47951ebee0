"""The fixture ``fake_service``, under ``dag.test()``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.testing import fake_service  # noqa: F401 - a fixture
from airflow_provider_cloudfn.testing.loopback_service import FakeService

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DAG = """
from airflow.sdk import DAG
from airflow_provider_cloudfn import CloudFunctionOperator
with DAG("d", schedule=None):
    fetch = CloudFunctionOperator(task_id="fetch", cloudfn_conn_id="shop", uri='"/v1/orders/1"')
    charge = CloudFunctionOperator(
        task_id="charge", cloudfn_conn_id="payments", method="POST", uri='"/v1/charges"',
        query={"environment": '"production"'}, body='{"amount": steps.fetch.total}',
    )
    fetch >> charge
"""


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeService]:
    """Return a service that nobody verifies, to see what verifying says."""
    made = FakeService(monkeypatch.setenv)
    yield made
    made.stop()


def test_a_dag_runs_against_it(run_dag: Callable[..., Any], fake_service: Any) -> None:  # noqa: F811 - the fixture
    fake_service.as_connection("shop", "payments")
    fake_service.expect("GET", "/v1/orders/1").answer(200, {"total": 42})
    fake_service.expect("POST", "/v1/charges", query={"environment": "production"}, body={"amount": 42}).answer(
        201, {"id": "ch_1"}
    )

    result = run_dag(DAG)

    assert result.state == "success"
    assert result.xcom("charge") == {"id": "ch_1"}
    assert [request.path for request in fake_service.requests] == ["/v1/orders/1", "/v1/charges"]


def test_it_tells_how_a_request_is_not_the_expected_one(run_dag: Callable[..., Any], service: FakeService) -> None:
    service.as_connection("shop", "payments")
    service.expect("GET", "/v1/orders/1").answer({"body": {"total": 42}})
    service.expect("POST", "/v1/charges", body={"amount": 41}, headers={"x-tenant": "acme"}).answer(201)

    assert run_dag(DAG).state == "failed"
    with pytest.raises(AssertionError) as raised:
        service.verify()

    told = str(raised.value)
    assert "body: expected {'amount': 41}, came {'amount': 42}" in told
    assert "header x-tenant: expected 'acme', came None" in told
    assert "expected POST /v1/charges 1 times, came 0 times" in told


def test_it_can_break_the_connection(run_dag: Callable[..., Any], service: FakeService) -> None:
    service.as_connection("shop", "payments")
    service.expect("GET", "/v1/orders/1").answer("reset")
    service.expect("GET", "/v1/orders/1").answer({"body": {"total": 42}})
    service.expect("POST", "/v1/charges").answer(201)

    assert run_dag(DAG).state == "success"
    service.verify()


@pytest.mark.parametrize(
    ("expected", "told"),
    [({"body": None}, "body: expected None, came {'amount': 42}"), ({}, None), ({"body": {"amount": 42}}, None)],
)
def test_a_body_of_none_is_none(
    run_dag: Callable[..., Any], service: FakeService, expected: dict[str, Any], told: str | None
) -> None:
    service.as_connection("shop", "payments")
    service.expect("GET", "/v1/orders/1", body=None).answer({"body": {"total": 42}})
    service.expect("POST", "/v1/charges", **expected).answer(201)

    run_dag(DAG)

    if told is None:
        service.verify()
    else:
        with pytest.raises(AssertionError) as raised:
            service.verify()
        assert told in str(raised.value)


@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        (lambda service: service.as_connection(None), "as_connection: a connection's id must be text, such as 'shop'"),
        (lambda service: service.expect("get", "/a"), "expect: method: "),
        (lambda service: service.expect("GET", "a"), "expect: path: must be the path alone"),
        (lambda service: service.expect("GET", "/a?x=1"), "what follows a ? is query="),
        (lambda service: service.expect("GET", None), "expect: path: must be the path alone"),
        (lambda service: service.expect("GET", "/a", bdy={}), "expect: 'bdy' is none of query, .*did you mean 'body'"),
        (lambda service: service.expect("GET", "/a", query="x=1"), "expect: query must be a map .* not text"),
        (lambda service: service.expect("GET", "/a", headers=3), "expect: headers must be a map .* not an integer"),
        (
            lambda service: service.expect("GET", "/a", times="2"),
            "expect: times must be a whole number from 0, not '2'",
        ),
        (lambda service: service.expect("GET", "/a").answer(200, object()), "answer: the body: a value of type"),
        (lambda service: service.expect("GET", "/a").answer(200, {}, 3), "answer: headers must be a map"),
        (lambda service: service.expect("GET", "/a").answer("timeout", {"a": 1}), "answer: 'timeout' is no answer"),
    ],
)
def test_what_could_never_come_and_what_can_not_be_answered_is_refused(
    service: FakeService, ask: Callable[[FakeService], object], expected: str
) -> None:
    with pytest.raises(ConfigurationError, match=expected.replace("?", r"\?")):
        ask(service)
