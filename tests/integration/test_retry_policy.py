"""How often a task that fails is tried, and when, with Airflow's own task runner."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

RetryDecision = pytest.importorskip("airflow.sdk.definitions.retry_policy", reason="Airflow 3.3 has it").RetryDecision

IMPORTS = """
import datetime
from airflow.sdk import DAG, RetryDecision, RetryPolicy
from airflow_provider_cloudfn import CloudFunctionOperator


class Always(RetryPolicy):
    def evaluate(self, exception, try_number, max_tries, context=None):
        return RetryDecision.retry(datetime.timedelta(0))

    def serialize(self):
        return {}
"""

PLAIN = """CloudFunctionOperator(
    task_id="call", cloudfn_conn_id="flaky", uri='"/"', retries=2, retry_delay=datetime.timedelta({delay}){more})"""
MAPPED = """CloudFunctionOperator.partial(
    task_id="call", cloudfn_conn_id="flaky", uri='"/"', retries=2, retry_delay=datetime.timedelta({delay}){more}
).expand(inputs=["one"])"""

EITHER = pytest.mark.parametrize("task", [pytest.param(PLAIN, id="plain"), pytest.param(MAPPED, id="mapped")])


@pytest.fixture
def run(run_dag: Any, recording_server: Any, connection: Any) -> Any:
    """Return a function that runs a task against the recording server and tells how it ended."""
    connection("flaky", conn_type="cloudfn", host=recording_server.url)

    def run_task(task: str, *, delay: str = "", more: str = "") -> Any:
        source = textwrap.indent(task.format(delay=delay, more=more), "    ")
        return run_dag(f'{IMPORTS}\nwith DAG("d", schedule=None):\n{source}')

    return run_task


@EITHER
def test_an_error_that_no_retry_can_help_fails_at_once(run: Any, recording_server: Any, task: str) -> None:
    recording_server.answer(404, {"error": "no such thing"})

    result = run(task, delay="days=1")

    assert result.states == {"call": ["failed"]}
    assert len(recording_server.received) == 1


@EITHER
def test_a_user_s_own_policy_wins(run: Any, recording_server: Any, task: str) -> None:
    recording_server.answer(404, {"error": "no such thing"})

    run(task, delay="days=1", more=", retry_policy=Always()")

    assert len(recording_server.received) == 3


@EITHER
def test_without_a_policy_airflow_goes_on_as_ever(run: Any, recording_server: Any, task: str) -> None:
    recording_server.answer(404, {"error": "no such thing"})

    run(task, more=", retry_policy=None")

    assert len(recording_server.received) == 3


@EITHER
def test_an_error_that_can_pass_is_tried_as_often_as_the_user_says(run: Any, recording_server: Any, task: str) -> None:
    recording_server.answer(500, {"error": "hiccup"})

    result = run(task)

    assert result.states == {"call": ["failed"]}
    assert result.tries("call") == [3]


@EITHER
def test_retry_after_takes_the_place_of_the_retry_delay(run: Any, recording_server: Any, task: str) -> None:
    recording_server.answer_in_turn((429, {}, {"Retry-After": "1"}), (200, {}))

    # It would take a day otherwise, and so longer than the test may.
    result = run(task, delay="days=1", more=", retry_attempts=1")

    assert result.states == {"call": ["success"]}
    # From Airflow 3.4 on, the wait is none of the task's tries.
    assert result.tries("call") == [1 if hasattr(RetryDecision, "reschedule") else 2]
