"""The lists library, as cel-go's; ``sort`` and ``sortBy`` are in :mod:`sorting` and :mod:`macros`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn.cel.equality import NUMBERS, equal
from airflow_provider_cloudfn.cel.faults import Fault
from airflow_provider_cloudfn.cel.registry import FUNCTIONS, function, method
from airflow_provider_cloudfn.cel.values import KIND, MAX_UINT, MIN_INT, Optional, native

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_cloudfn.cel.limits import Budget

__all__: list[str] = []

_SUMMED: Final = NUMBERS | {"duration"}
_HASHED: Final = frozenset({"string", "bytes", "bool", "null_type"})


@method("distinct", "list")
def distinct(budget: Budget, items: Sequence[Any]) -> list[Any]:
    """Return the elements without those that equal an earlier one."""
    budget.elements(len(items))
    # The values by their kind, and no pairs of both, which the garbage collector would visit.
    seen: dict[str, set[Any]] = {}
    others: list[Any] = []
    result = []
    for item in items:
        value = native(item)
        kind = KIND[type(value)]
        if kind in NUMBERS or kind in _HASHED:
            if kind in NUMBERS and not isinstance(value, float) and not MIN_INT <= value <= MAX_UINT:
                value = hex(value)  # Python gives any number of large integers the same hash
            same_kind = seen.setdefault("number" if kind in NUMBERS else kind, set())
            if value in same_kind:
                continue
            same_kind.add(value)
        else:
            budget.spend(len(others))
            if any(equal(budget, value, other) for other in others):
                continue
            others.append(value)
        result.append(item)
    return result


@method("flatten", "list")
@method("flatten", "list", "int")
def flatten(budget: Budget, items: Sequence[Any], depth: int = 1) -> list[Any]:
    """Return the elements with those that are lists replaced by their elements, so many levels deep."""
    if depth < 0:
        raise Fault("flatten() needs a depth of 0 or more")
    result: list[Any] = []
    stack = [(iter(items), depth)]
    while stack:
        iterator, left = stack[-1]
        for item in iterator:
            if left > 0 and KIND[type(item)] == "list":
                budget.spend(1)
                stack.append((iter(item), left - 1))
                break
            budget.spend(1)
            result.append(item)
        else:
            stack.pop()
    return result


@method("slice", "list", "int", "int")
def slice_list(budget: Budget, items: Sequence[Any], start: int, end: int) -> list[Any]:
    if not 0 <= start <= end <= len(items):
        raise Fault(f"slice() is out of range in a list of {len(items)} elements")
    budget.elements(end - start)
    return list(items[start:end])


@method("reverse", "list")
def reverse_list(budget: Budget, items: Sequence[Any]) -> list[Any]:
    budget.elements(len(items))
    return list(reversed(items))


@function("lists.range", "int")
def number_range(budget: Budget, end: int) -> list[int]:
    """Return the integers from 0 up to, but not with, the end."""
    budget.elements(max(0, end))
    return list(range(end))


@method("sum", "list")
def total(budget: Budget, items: Sequence[Any]) -> Any:
    """
    Return the sum of numbers or durations of one type, as Kubernetes' lists library; 0 of an empty list.

    Of ints and doubles together it is a double: in a list of JSON's some numbers are whole by chance.
    """
    budget.spend(2 * len(items))
    add = FUNCTIONS["_+_"][2]
    result: Any = None
    for item in items:
        value = native(item)
        kind = KIND[type(value)]
        if kind not in _SUMMED:
            raise Fault(f"sum() takes numbers or durations, got {kind}")
        if result is not None and {KIND[type(result)], kind} == {"int", "double"}:
            result, value, kind = float(result), float(value), "double"
        result = value if result is None else add[KIND[type(result)], kind](budget, result, value)
    return 0 if result is None else result


@method("first", "list")
def first(items: Sequence[Any]) -> Optional:
    """Return an optional of the first element."""
    return Optional(items[0]) if len(items) else Optional.NONE


@method("last", "list")
def last(items: Sequence[Any]) -> Optional:
    """Return an optional of the last element."""
    return Optional(items[-1]) if len(items) else Optional.NONE
