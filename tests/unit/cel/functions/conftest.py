"""What the tests of the function libraries share: a table of sources and values, and of sources that fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.exceptions import ExpressionError

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def gives() -> Callable[[str, Any], None]:
    """Assert that an expression has a value, and one of exactly its type."""

    def check(source: str, expected: Any) -> None:
        result = cel.evaluate(source, {})
        assert result == expected
        assert type(result) is type(expected)

    return check


@pytest.fixture
def fails() -> Callable[[str, str], None]:
    """Assert that an expression fails, and what the error says."""

    def check(source: str, said: str) -> None:
        with pytest.raises(ExpressionError) as caught:
            cel.evaluate(source, {})
        assert said in caught.value.problems[0].message

    return check
