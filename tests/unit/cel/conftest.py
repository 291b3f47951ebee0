"""What the tests of expressions share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.exceptions import ExpressionError


class LazySteps(Mapping[str, Any]):
    """A map that fetches its values, and remembers which it was asked for; it can't be gone through."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values_by_key = values
        self.asked: list[str] = []

    def __getitem__(self, key: str) -> Any:
        self.asked.append(key)
        value = self.values_by_key[key]
        if isinstance(value, Exception):
            raise value
        return value

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("nobody may go through lazy variables")

    def __len__(self) -> int:
        raise AssertionError("nobody may count lazy variables")


@pytest.fixture
def lazy() -> type[LazySteps]:
    return LazySteps


@pytest.fixture
def message() -> Callable[..., str]:
    """The message of the error that an expression must end in."""

    def fail(source: str, **variables: Any) -> str:
        with pytest.raises(ExpressionError) as caught:
            cel.compile(source, variables=variables).evaluate(variables)
        return str(caught.value)

    return fail
