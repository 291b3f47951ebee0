"""What a step pushes after its call outlasts a short outage of Airflow's API."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time.comms import ErrorResponse

from airflow_provider_cloudfn import CloudFunctionOperator
from airflow_provider_cloudfn.journal import outage
from airflow_provider_cloudfn.operators.pushed_result import push_result

LOG = logging.getLogger(__name__)


class Clock:
    """A clock that goes on while somebody sleeps, and at no other time."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(outage, "time", made)
    return made


def failure(kind: ErrorType = ErrorType.API_SERVER_ERROR, **detail: Any) -> AirflowRuntimeError:
    return AirflowRuntimeError(ErrorResponse(error=kind, detail=detail or None))


UNREACHABLE = failure(status_code=None, message="…", exception_type="ConnectError")


class Airflow:
    """An Airflow that fails as often as it is told, each time after five seconds of its client's own tries."""

    def __init__(self, clock: Clock, failures: float, error: Exception) -> None:
        self.clock, self.failures, self.error, self.asked = clock, failures, error, 0

    def push(self) -> str:
        self.asked += 1
        if self.asked > self.failures:
            return "pushed"
        self.clock.sleep(5)
        raise self.error


@pytest.mark.parametrize(
    "error",
    [
        UNREACHABLE,
        failure(status_code=None, exception_type="ReadTimeout"),
        failure(status_code=None, exception_type="RemoteProtocolError"),
        failure(status_code=500, detail={}),
        failure(status_code=503, detail=None),
    ],
    ids=str,
)
def test_what_airflow_could_not_answer_is_asked_again(clock: Clock, error: Exception) -> None:
    airflow = Airflow(clock, 4, error)

    assert outage.outlast(airflow.push, "the record", LOG) == "pushed"
    assert airflow.asked == 5


@pytest.mark.parametrize(
    "error",
    [
        failure(status_code=400),
        failure(status_code=403),
        failure(status_code=409),
        failure(status_code=None, exception_type="ValueError"),
        failure(status_code=None, exception_type="HTTPStatusError"),
        failure(status_code=None),
        failure(),
        failure(ErrorType.GENERIC_ERROR, status_code=503),
        failure(ErrorType.XCOM_NOT_FOUND),
        OSError("the file of a backend"),
        RuntimeError("API_SERVER_ERROR: status_code 503"),
    ],
    ids=str,
)
def test_what_airflow_refused_is_not(clock: Clock, error: Exception) -> None:
    airflow = Airflow(clock, 1, error)

    with pytest.raises(type(error)) as raised:
        outage.outlast(airflow.push, "the record", LOG)

    assert raised.value is error
    assert airflow.asked == 1


def test_two_minutes_are_the_end_of_it_and_the_log_says_what_was_given_up(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    airflow = Airflow(clock, float("inf"), UNREACHABLE)

    with pytest.raises(AirflowRuntimeError):
        outage.outlast(airflow.push, "the record", LOG)

    assert 110 < clock.now - 1000 <= 125
    assert caplog.records[-1].getMessage() == (
        "Airflow's API could not be reached for 120 seconds, or answered with an error: the record is given up, and the try ends"
    )


def test_each_repetition_is_a_word_in_the_log(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    outage.outlast(Airflow(clock, 2, UNREACHABLE).push, "the record", LOG)

    assert [record.getMessage() for record in caplog.records] == [
        "Airflow's API can't be reached, or answers with an error: the record is tried again in 2 seconds, for 115 more",
        "Airflow's API can't be reached, or answers with an error: the record is tried again in 2 seconds, for 108 more",
    ]


def pushing(airflow: Airflow) -> tuple[Any, list[tuple[str, Any]]]:
    """Return the context of a task whose XComs go to this Airflow, and what has arrived there."""
    arrived: list[tuple[str, Any]] = []

    def push(key: str, value: Any) -> None:
        airflow.push()
        arrived.append((key, value))

    return {"ti": SimpleNamespace(xcom_push=push)}, arrived


def test_what_a_step_returns_is_pushed_in_airflow_s_place_and_outlasts_an_outage(clock: Clock) -> None:
    airflow = Airflow(clock, failures=3, error=UNREACHABLE)
    context, arrived = pushing(airflow)
    task = CloudFunctionOperator(task_id="call", uri='"/x"')

    push_result(task, context, {"id": 1})

    assert airflow.asked == 4
    assert arrived == [("return_value", {"id": 1})]
    # Airflow would only push the same again.
    assert not task.do_xcom_push


@pytest.mark.parametrize(
    ("given", "returned"), [({"do_xcom_push": False}, {"id": 1}), ({}, None)], ids=["not wanted", "nothing returned"]
)
def test_nothing_is_pushed_that_airflow_would_not_push(clock: Clock, given: dict[str, Any], returned: Any) -> None:
    context, arrived = pushing(Airflow(clock, failures=0, error=UNREACHABLE))

    push_result(CloudFunctionOperator(task_id="call", uri='"/x"', **given), context, returned)

    assert arrived == []


def test_what_another_step_is_mapped_over_is_left_to_airflow_which_counts_it(clock: Clock) -> None:
    context, arrived = pushing(Airflow(clock, failures=0, error=UNREACHABLE))
    with DAG("d", schedule=None):
        first = CloudFunctionOperator(task_id="first", uri='"/x"')
        CloudFunctionOperator.partial(task_id="second", uri='"/x"').expand(inputs=first.output)

    push_result(first, context, [1, 2])

    assert arrived == []
    assert first.do_xcom_push
