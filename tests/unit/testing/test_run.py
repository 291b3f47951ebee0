"""``testing.run``: what comes of a step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from airflow_provider_cloudfn import (
    CloudFunctionHttpSensor,
    CloudFunctionOperator,
    CompletionEvent,
    CompletionEventSensor,
)
from airflow_provider_cloudfn.exceptions import (
    AuthenticationError,
    AuthorizationError,
    CommunicationError,
    ConfigurationError,
    ExpressionError,
    OutcomeUnknownError,
    RequestTimeoutError,
    ResponseError,
)
from airflow_provider_cloudfn.testing import FAILURES, Answer, run

if TYPE_CHECKING:
    from airflow.sdk import DAG

ORDER = {"id": "1001", "total": 42, "customer": {"id": "c-1"}}
STEPS = {"fetch_order": ORDER}


def call(**parameters: Any) -> Any:
    return CloudFunctionOperator(**{"task_id": "call", "uri": '"/"', **parameters})


def test_a_step_returns_and_completes(charge: Any) -> None:
    result = run(charge, steps=STEPS, responses=[{"status": 201, "body": {"id": "ch_1"}}])

    assert result.request.body == {"amount": 42, "customer": "c-1"}
    assert result.returned == {"id": "ch_1"}
    assert result.completion_event is not None
    assert result.completion_event.type == "charge.created"
    assert result.completion_event.result == {"orderId": "1001", "charge": {"id": "ch_1"}}
    assert result.error is None
    assert result.responses_left == 0


def test_a_process_is_started(dag: DAG) -> None:
    result = run(
        dag.get_task("start"),
        context={"charge.created": {"orderId": "1001"}},
        responses=Answer(202, {}, {"request_id": "r-1"}),
    )

    assert result.returned["request_id"] == "r-1"
    assert result.request.headers["ce-type"] == "order.paid"


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("timeout", RequestTimeoutError),
        ("connect_timeout", RequestTimeoutError),
        ("refused", CommunicationError),
        ("reset", CommunicationError),
        ("rate_limited", ResponseError),
        ("unavailable", ResponseError),
        ("server_error", ResponseError),
        ("unauthorized", AuthenticationError),
        ("forbidden", AuthorizationError),
        ("not_found", ResponseError),
        ("not_json", ResponseError),
    ],
)
def test_a_failure_that_has_a_name_fails_the_step(name: str, error: type[Exception]) -> None:
    result = run(call(), responses=name)

    assert isinstance(result.error, error)
    assert result.returned is None


@pytest.mark.parametrize(
    ("name", "requests", "error"),
    [
        ("refused", 3, CommunicationError),
        ("connect_timeout", 3, RequestTimeoutError),
        ("timeout", 1, OutcomeUnknownError),
        ("reset", 1, OutcomeUnknownError),
    ],
)
def test_what_never_reached_the_service_is_sent_again_and_what_may_have_is_unknown(
    name: str, requests: int, error: type[Exception]
) -> None:
    step = CloudFunctionOperator(task_id="charge", method="POST", uri='"/v1/charges"', body={"amount": 12})

    result = run(step, responses=name)

    assert len(result.requests) == requests
    assert isinstance(result.error, error)
    assert run(step, responses=[name, 201]).responses_left == (0 if requests > 1 else 1)


@pytest.mark.parametrize(
    ("sensor", "remedy"),
    [
        (
            CloudFunctionHttpSensor(task_id="wait", endpoint="/x"),
            "use `airflow tasks test`, or a CloudFunctionSensor in its place",
        ),
        (CompletionEventSensor(task_id="wait", event=CompletionEvent("a")), "use `airflow tasks test`"),
    ],
    ids=lambda one: type(one).__name__,
)
def test_a_sensor_that_can_not_be_rehearsed_says_so(sensor: Any, remedy: str) -> None:
    with pytest.raises(ConfigurationError, match=f"which can't be rehearsed: {remedy}$"):
        run(sensor, responses=200)


def test_every_failure_is_among_these() -> None:
    assert set(FAILURES) == {
        "timeout", "connect_timeout", "refused", "reset", "rate_limited", "unavailable", "server_error", "unauthorized",
        "forbidden", "not_found", "not_json",
    }  # fmt: skip


def test_a_retry_takes_the_next_response_and_no_time() -> None:
    result = run(call(), responses=["rate_limited", {"body": {"id": "1"}}])

    assert result.returned == {"id": "1"}
    assert len(result.requests) == 2
    assert [attempt.next_in for attempt in result.attempts] == [1.0, None]


def test_more_requests_than_responses_fail_the_test() -> None:
    with pytest.raises(AssertionError, match=r"the step sends one more request, GET https://cloudfn-default\.test/"):
        run(call(), responses=["rate_limited"])


def test_responses_that_nobody_asked_for_are_counted() -> None:
    assert run(call(), responses=[200, 200, 200]).responses_left == 2


def test_returns_and_success_when_read_the_response() -> None:
    task = call(returns="response.body.id", success_when='response.status == 404 && response.headers["x-a"] == "b"')

    assert run(task, responses=Answer(404, {"X-A": "b"}, {"id": "1"})).returned == "1"


def test_success_when_false_fails_the_step() -> None:
    result = run(call(success_when="response.body.ok"), responses={"body": {"ok": False}})

    assert isinstance(result.error, ResponseError)
    assert "success_when is false" in str(result.error)


def test_a_wrong_expression_over_the_response_fails_the_step() -> None:
    result = run(call(returns="response.body.nope"), responses={"body": {}})

    assert isinstance(result.error, ExpressionError)


@pytest.mark.parametrize(
    ("answer", "returned"),
    [
        (204, None),
        ({"body": "text"}, "text"),
        ({"body": None}, None),
        ({"body": [1, 2]}, [1, 2]),
        ({"headers": {"Content-Type": "application/vnd.x+json"}, "body": '{"a": 1}'}, {"a": 1}),
        (
            {"body_base64": "AAE="},
            {"content_type": "application/octet-stream", "size": 2, "base64": "AAE="},
        ),
        ({"exchanges": [{"request": {}, "response": {"body": 1}}]}, 1),
    ],
)
def test_an_answer_can_be_written_in_these_forms(answer: Any, returned: Any) -> None:
    assert run(call(), responses=answer).returned == returned


@pytest.mark.parametrize(
    ("responses", "message"),
    [
        ("timeuot", "'timeuot' is no failure that has a name; .* did you mean 'timeout'"),
        ({"state": 200}, "an answer has status, headers and body .*, no 'state'"),
        ({"status": "200"}, "status must be a number from 100 to 599, not '200'"),
        ({"status": 700}, "status must be a number from 100 to 599, not 700"),
        ({"headers": []}, None),
        ({"headers": ["a"]}, "headers must be a map"),
        ({"body_base64": "%"}, "body_base64 is no base64"),
        ({"body": {1: 2}}, "responses: the body: a key that is an integer"),
        (Answer(200, {}, {"a": object()}), "responses: the body: a: a value of type object"),
        (Answer(200, cast("Any", 3)), "headers must be a map"),
        ({"headers": {"a": "x\n"}}, "header 'a' has a line break"),
        ([1.5], "an answer is a map with status, headers and body"),
        ({"exchanges": [{}]}, "exchanges must be a list of"),
    ],
)
def test_an_answer_that_can_not_be_is_refused(responses: Any, message: str | None) -> None:
    if message is None:
        assert run(call(), responses=responses).error is None
        return
    with pytest.raises(ConfigurationError, match=message):
        run(call(), responses=responses)


def test_two_equal_runs_give_equal_requests(charge: Any) -> None:
    first, second = (run(charge, steps=STEPS, responses=200).requests for _ in range(2))

    assert first == second
