"""How soon, and whether at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cloudfn.client.response import Response
from airflow_provider_cloudfn.client.retry import NO_RETRY, RetryPolicy, repeats_safely
from airflow_provider_cloudfn.exceptions import (
    AuthenticationError,
    CloudFunctionError,
    CommunicationError,
    ConfigurationError,
    LimitError,
    RequestTimeoutError,
    ResponseError,
)


def answer(status: int, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, named, None, b"", "https://h/", None)


@pytest.mark.parametrize(
    ("outcome", "idempotent", "otherwise"),
    [
        (CommunicationError("x", retryable=True), True, False),
        (RequestTimeoutError("x", retryable=True), True, False),
        (CommunicationError("x", retryable=True, never_sent=True), True, True),
        (RequestTimeoutError("x", retryable=True, never_sent=True), True, True),
        (AuthenticationError("x", status=503, retryable=True), True, True),
        (AuthenticationError("x", status=401), False, False),
        (CommunicationError("x"), False, False),
        (ResponseError("x"), False, False),
        (LimitError("x"), False, False),
        (ConfigurationError("x"), False, False),
    ],
)
def test_an_error_is_worth_another_attempt_where_repeating_is_safe(
    outcome: CloudFunctionError, idempotent: bool, otherwise: bool
) -> None:
    assert RetryPolicy().wants(outcome, idempotent=True) is idempotent
    assert RetryPolicy().wants(outcome, idempotent=False) is otherwise


@given(attempt=st.integers(1, 99))
def test_waits_are_random_below_a_bound_that_doubles(attempt: int) -> None:
    policy = RetryPolicy(attempts=100, first_wait=0.5, longest_wait=8)

    wait = policy.wait(answer(503), attempt, left=60)

    assert wait is not None
    assert 0 <= wait <= min(8, 0.5 * 2 ** (attempt - 1))


def test_waits_differ() -> None:
    assert len({RetryPolicy().wait(answer(503), 1, left=60) for _ in range(20)}) > 1


@pytest.mark.parametrize(("left", "expected"), [(11.0, 10.0), (10.0, None), (0.0, None), (-1.0, None)])
def test_a_wait_that_was_asked_for_is_kept_or_left_out(left: float, expected: float | None) -> None:
    policy = RetryPolicy(longest_wait=1)

    assert policy.wait(answer(429, retry_after="10"), 1, left=left) == expected
    assert policy.wait(CommunicationError("x", retry_after=10), 1, left=left) == expected


def test_attempts_are_bounded() -> None:
    assert RetryPolicy(attempts=3).wait(answer(503), 3, left=60) is None
    assert NO_RETRY.wait(answer(503), 1, left=60) is None


@pytest.mark.parametrize(
    ("method", "headers", "expected"),
    [
        ("GET", (), True),
        ("HEAD", (), True),
        ("OPTIONS", (), True),
        ("PUT", (), True),
        ("DELETE", (), True),
        ("POST", (), False),
        ("PATCH", (), False),
        ("POST", (("idempotency-KEY", "k"),), True),
        ("PATCH", (("X-Idempotency-Key", "k"),), True),
        ("POST", (("Idempotency-Key", ""),), False),
        ("POST", (("Idempotency-Key", " "),), False),
    ],
)
def test_a_request_can_be_repeated_by_its_method_or_its_key(
    method: str, headers: tuple[tuple[str, str], ...], expected: bool
) -> None:
    assert repeats_safely(method, dict(headers)) is expected
