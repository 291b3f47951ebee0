"""Items that are looked at before it is their turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cloudfn.operators.batch_items import Peekable

if TYPE_CHECKING:
    from collections.abc import Iterator


@given(st.lists(st.integers()), st.lists(st.integers(0, 5)))
def test_looking_ahead_changes_nothing(items: list[Any], counts: list[int]) -> None:
    peekable = Peekable(items)
    found: list[Any] = []

    for count in counts:
        assert peekable.following(count) == items[len(found) : len(found) + count]
        found += [item for item in [next(peekable, None)] if item is not None]

    assert found + list(peekable) == items


def test_what_is_wrong_with_an_item_is_raised_when_it_is_its_turn() -> None:
    def items() -> Iterator[Any]:
        yield from (1, 2)
        raise ValueError("the third is none")

    peekable = Peekable(items())

    assert peekable.following(9) == [1, 2]
    assert [next(peekable), next(peekable)] == [1, 2]
    for _ in range(2):
        with pytest.raises(ValueError, match="the third is none"):
            next(peekable)
