"""The receiver answers as its OpenAPI description says, whatever comes: tried by Schemathesis, with the same requests each time."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings, strategies
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = "a-secret-that-both-know"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

#: What fails once, fails again: nothing is kept from one run to the next.
repeatable = settings(
    max_examples=200,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def operations(source: Callable[..., None], dags: Callable[[str], None]) -> list[Any]:
    """Return what the description names: each a method and a path."""
    from airflow_provider_cloudfn.plugin.receiver.application import application

    source(scheme="bearer", secret=SECRET, unknown="register", max_body=10_000)
    dags('waiting = DAG("waiting", schedule=CompletionEvent("order.paid"))')
    described = schemathesis.openapi.from_asgi("/openapi.json", application())
    return [found.ok() for found in described.get_all_operations()]


def test_a_stranger_is_answered_as_described(operations: list[Any]) -> None:
    @repeatable
    @given(strategies.one_of(operation.as_strategy() for operation in operations))
    def answered(case: schemathesis.Case) -> None:
        case.call_and_validate(checks=CHECKS)

    answered()


def test_a_sender_who_is_known_is_answered_as_described(operations: list[Any]) -> None:
    answers: Counter[int] = Counter()

    @repeatable
    @given(strategies.one_of(operation.as_strategy() for operation in operations))
    def answered(case: schemathesis.Case) -> None:
        case.path_parameters["source"] = "shop"
        answers[case.call_and_validate(checks=CHECKS, headers={"Authorization": f"Bearer {SECRET}"}).status_code] += 1

    answered()

    # Not the door alone was tried.
    assert {202, 400, 422} <= answers.keys(), answers
