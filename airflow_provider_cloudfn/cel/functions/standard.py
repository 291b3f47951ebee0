"""The functions of the specification that belong to no library: ``size``, ``contains``, ``matches`` and their like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.cel.registry import function, method
from airflow_provider_cloudfn.cel.searching import find

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_cloudfn.cel.limits import Budget

__all__: list[str] = []


@function("size", "string")
@function("size", "bytes")
@function("size", "list")
@function("size", "map")
@method("size", "string")
@method("size", "bytes")
@method("size", "list")
@method("size", "map")
def size(value: str | bytes | Sequence[Any] | Mapping[Any, Any]) -> int:
    """Return how many characters, bytes, elements or entries there are."""
    return len(value)


@method("contains", "string", "string")
def contains(budget: Budget, text: str, part: str) -> bool:
    return find(budget, text, part) >= 0


@method("startsWith", "string", "string")
def starts_with(text: str, prefix: str) -> bool:
    return text.startswith(prefix)


@method("endsWith", "string", "string")
def ends_with(text: str, suffix: str) -> bool:
    return text.endswith(suffix)
