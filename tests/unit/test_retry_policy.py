"""What becomes of a task by how it failed."""

from __future__ import annotations

import datetime as dt
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_cloudfn import CloudFunctionOperator, EmporixResumeOperator, EmporixStartOperator, retry_policy
from airflow_provider_cloudfn.exceptions import (
    AuthenticationError,
    ConfigurationError,
    ExpressionError,
    RequestTimeoutError,
    ResponseError,
)
from airflow_provider_cloudfn.retry_policy import CloudFunctionRetryPolicy

RetryDecision = pytest.importorskip("airflow.sdk.definitions.retry_policy", reason="Airflow 3.3 has it").RetryDecision

#: What a wait is that the service asks for: from Airflow 3.4 on it uses up no try.
WAIT = (
    partial(RetryDecision.reschedule, max_reschedules=1)
    if hasattr(RetryDecision, "reschedule")
    else RetryDecision.retry
)


@pytest.mark.parametrize(
    ("exception", "decision"),
    [
        (AuthenticationError("no", status=401), RetryDecision.fail),
        (ConfigurationError("no"), RetryDecision.fail),
        (ExpressionError("no"), RetryDecision.fail),
        (ResponseError("no", status=404, retry_after=5), RetryDecision.fail),
        (ResponseError("later", status=503, retryable=True), RetryDecision.default),
        (RequestTimeoutError("later", retryable=True), RetryDecision.default),
        (ResponseError("later", status=429, retryable=True, retry_after=90), WAIT),
        (ResponseError("later", status=429, retryable=True, retry_after=0), WAIT),
        (ValueError("somebody else's"), RetryDecision.default),
    ],
)
def test_an_error_decides_by_what_it_knows(exception: Exception, decision: Any) -> None:
    assert CloudFunctionRetryPolicy().evaluate(exception, 1, 3).action == decision().action


class DecisionOf34:
    """What of Airflow 3.4's decisions is used, for the Airflows before it."""

    def __init__(self, action: str, delay: dt.timedelta | None = None, **bounds: Any) -> None:
        self.action, self.retry_delay, self.bounds = action, delay, bounds

    @classmethod
    def retry(cls, delay: dt.timedelta, reason: str) -> DecisionOf34:
        return cls("retry", delay)

    @classmethod
    def reschedule(
        cls, delay: dt.timedelta, *, max_reschedules: int, reschedule_timeout: dt.timedelta, reason: str
    ) -> DecisionOf34:
        return cls("reschedule", delay, max_reschedules=max_reschedules, reschedule_timeout=reschedule_timeout)


LATER = ResponseError("later", status=429, retryable=True, retry_after=90)


@pytest.fixture
def of_34(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry_policy, "RetryDecision", DecisionOf34)


@pytest.mark.usefixtures("of_34")
def test_a_wait_uses_up_no_try_where_airflow_can_do_that_and_it_has_bounds() -> None:
    decision: Any = CloudFunctionRetryPolicy(3600).evaluate(LATER, 1, 3)

    assert (decision.action, decision.retry_delay) == ("reschedule", dt.timedelta(seconds=90))
    assert decision.bounds == {"max_reschedules": 100, "reschedule_timeout": dt.timedelta(hours=1)}


@pytest.mark.usefixtures("of_34")
@pytest.mark.parametrize(
    ("try_number", "max_tries", "retries", "action"),
    [
        (1, 0, 0, "retry"),
        (2, 1, 0, "retry"),  # after a Clear
        (3, 2, 2, "reschedule"),  # the last try
        (1, 0, None, "retry"),
        (1, 1, None, "reschedule"),
    ],
)
def test_a_task_without_retries_is_not_called_again_by_a_wait(
    try_number: int, max_tries: int, retries: int | None, action: str
) -> None:
    context: Any = None if retries is None else {"task": SimpleNamespace(retries=retries)}

    decision: Any = CloudFunctionRetryPolicy().evaluate(LATER, try_number, max_tries, context)

    assert decision.action == action


@pytest.mark.parametrize(
    ("asked", "longest", "seconds"), [(90, 3600, 90), (90, dt.timedelta(minutes=1), 60), (10**9, 5.5, 5.5)]
)
def test_the_service_says_when_and_the_policy_how_long_at_most(asked: float, longest: Any, seconds: float) -> None:
    decision = CloudFunctionRetryPolicy(longest).evaluate(
        ResponseError("later", retryable=True, retry_after=asked), 1, 3
    )

    assert decision.retry_delay == dt.timedelta(seconds=seconds)


@pytest.mark.parametrize("longest", [0, -1, True, float("inf"), dt.timedelta(0)])
def test_an_impossible_bound_is_refused(longest: Any) -> None:
    with pytest.raises(ConfigurationError, match="longest_wait: must be seconds above 0"):
        CloudFunctionRetryPolicy(longest)


def test_the_reason_quotes_nothing_of_the_error() -> None:
    reason = CloudFunctionRetryPolicy().evaluate(ResponseError("it says: s3cret"), 1, 3).reason

    assert reason == "ResponseError: trying again unchanged can't help"


def test_it_comes_back_from_json() -> None:
    policy = CloudFunctionRetryPolicy(dt.timedelta(hours=2))

    restored = CloudFunctionRetryPolicy.deserialize(policy.serialize())

    assert restored.serialize() == policy.serialize() == {"longest_wait": 7200.0}


OWN = CloudFunctionRetryPolicy(5)


@pytest.mark.parametrize(
    ("arguments", "policy"),
    [({}, CloudFunctionRetryPolicy()), ({"retry_policy": OWN}, OWN), ({"retry_policy": None}, None)],
)
@pytest.mark.parametrize(
    ("operator", "parameters", "expanded"),
    [
        (CloudFunctionOperator, {"uri": '"/v1"'}, {"inputs": [1]}),
        (EmporixStartOperator, {"event_type": "a.b"}, {"payload": [{}]}),
        (EmporixResumeOperator, {"event_type": "a.b", "instance_id": "i"}, {"payload": [{}]}),
    ],
)
def test_it_is_the_default_of_plain_and_mapped_tasks_and_the_user_s_own_wins(
    operator: Any, parameters: dict[str, Any], expanded: dict[str, Any], arguments: dict[str, Any], policy: Any
) -> None:
    with DAG("d", schedule=None):
        plain = operator(task_id="plain", **parameters, **arguments)
        mapped = operator.partial(task_id="mapped", **parameters, **arguments).expand(**expanded)

    assert plain.retry_policy == policy
    assert mapped.retry_policy == policy


def test_the_default_args_of_the_dag_win_too() -> None:
    with DAG("d", schedule=None, default_args={"retry_policy": OWN}):
        plain = CloudFunctionOperator(task_id="plain", uri='"/v1"')
        mapped = CloudFunctionOperator.partial(task_id="mapped", uri='"/v1"').expand(inputs=[1])

    assert (plain.retry_policy, mapped.retry_policy) == (OWN, OWN)
