"""The sets library, as cel-go's: lists taken as sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.cel.equality import in_list
from airflow_provider_cloudfn.cel.registry import function

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_cloudfn.cel.limits import Budget

__all__: list[str] = []


@function("sets.contains", "list", "list")
def contains(budget: Budget, items: Sequence[Any], part: Sequence[Any]) -> bool:
    """Return whether the first list has every element of the second."""
    return all(in_list(budget, item, items) for item in part)


@function("sets.equivalent", "list", "list")
def equivalent(budget: Budget, left: Sequence[Any], right: Sequence[Any]) -> bool:
    """Return whether each list has every element of the other."""
    return contains(budget, left, right) and contains(budget, right, left)


@function("sets.intersects", "list", "list")
def intersects(budget: Budget, left: Sequence[Any], right: Sequence[Any]) -> bool:
    """Return whether the lists have an element in common."""
    return any(in_list(budget, item, right) for item in left)
