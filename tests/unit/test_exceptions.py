"""What errors carry."""

from __future__ import annotations

import copy
import datetime as dt
import pickle

import pytest

from airflow_provider_cloudfn.exceptions import (
    AuthenticationError,
    CloudFunctionError,
    ConfigurationError,
    ExpressionError,
    ExpressionLimitError,
    ExpressionProblem,
    LimitError,
    RequestTimeoutError,
    in_words,
)


@pytest.mark.parametrize("copied", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy])
def test_an_error_crosses_a_process_with_all_that_it_carries(copied: object) -> None:
    error = AuthenticationError("401", status=401, request_id="req_1", retryable=True, retry_after=2.5)

    again = copied(error)  # type: ignore[operator]  # a parametrised function

    assert type(again) is AuthenticationError
    assert str(again) == "401"
    assert (again.status, again.request_id, again.retryable, again.retry_after) == (401, "req_1", True, 2.5)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            ConfigurationError(", host (Base URL): is missing", connection="UvDLqZP4"),
            "The connection, host (Base URL): is missing",
        ),
        (AuthenticationError(": AWS gives none", connection="UvDLqZP4"), "The connection: AWS gives none"),
        (ConfigurationError(": AWS gives none", connection="other"), "connection 'other': AWS gives none"),
        (ConfigurationError("there is no connection 'UvDLqZP4'"), "there is no connection 'UvDLqZP4'"),
        (AuthenticationError("GET https://shop.test answered 401"), "GET https://shop.test answered 401"),
        (ConfigurationError(": no key", connection="UvDLqZP4").reworded("anew"), "anew"),
    ],
)
def test_the_id_that_airflow_makes_up_for_a_test_is_not_told(error: CloudFunctionError, said: str) -> None:
    assert error.unnamed("UvDLqZP4") == said


def test_an_expression_error_crosses_a_process() -> None:
    error = ExpressionError([ExpressionProblem("no", 1, 3)], source="a + b", field="uri")

    again = pickle.loads(pickle.dumps(error))

    assert str(again) == str(error)
    assert again.problems == error.problems


def test_an_expression_error_points_at_its_place() -> None:
    error = ExpressionError([ExpressionProblem("undeclared reference to 'b'", 2, 5)], source="a +\n    b", field="uri")

    assert str(error) == "uri: 2:5: undeclared reference to 'b'\n |     b\n | ....^"


def test_a_long_line_is_shown_around_its_place() -> None:
    error = ExpressionError([ExpressionProblem("here", 1, 500)], source="x" * 499 + "!" + "y" * 5000)

    _, shown, caret = str(error).split("\n")
    assert len(shown) < 130
    assert shown[caret.index("^")] == "!"


@pytest.mark.parametrize(
    ("kind", "builtin"), [(ExpressionError, ValueError), (RequestTimeoutError, TimeoutError), (LimitError, Exception)]
)
def test_an_error_is_the_builtin_that_its_caller_expects(kind: type[Exception], builtin: type[Exception]) -> None:
    assert issubclass(kind, builtin)
    assert issubclass(kind, CloudFunctionError)


def test_a_limit_of_an_expression_is_both() -> None:
    assert issubclass(ExpressionLimitError, LimitError)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "null"),
        (True, "true"),
        (7, "an integer"),
        (1.5, "a double"),
        ("s3cret", "text"),
        (b"s3cret", "bytes"),
        ({"a": 1}, "a map"),
        ([1], "a list"),
        ((1,), "a list"),
        (dt.timedelta(1), "a value of type timedelta"),
    ],
)
def test_a_value_is_named_in_words_that_are_no_secret(value: object, words: str) -> None:
    assert in_words(value) == words
