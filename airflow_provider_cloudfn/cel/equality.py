"""``==``, ``!=`` and ``in``: defined over all values, of whatever types, and never an error."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn.cel.instants import duration_nanoseconds, timestamp_nanoseconds
from airflow_provider_cloudfn.cel.registry import function
from airflow_provider_cloudfn.cel.values import KIND, native

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_cloudfn.cel.limits import Budget

__all__ = ["MISSING", "NUMBERS", "equal", "find"]

#: What stands for the value of a key that is not there.
MISSING: Final = object()

_KEYS: Final = frozenset({"int", "uint", "double", "bool", "string", "bytes"})
#: The types that are compared with each other by value.
NUMBERS: Final = frozenset({"int", "uint", "double"})
#: Python classes whose own ``==`` is CEL's, as long as both sides are of the same one.
_SIMPLE: Final = frozenset({int, float, bool, type(None), dt.timedelta})


@function("_==_", "dyn", "dyn", shown="'=='")
def equal(budget: Budget, left: Any, right: Any) -> bool:
    """Return whether two values are equal: numbers by value, whatever their types; unlike types never."""
    cls = type(left)
    if cls is type(right):
        if cls is str or cls is bytes:
            if len(left) != len(right):
                return False
            budget.scan(len(left))
            return bool(left == right)
        if cls in _SIMPLE:
            return bool(left == right)
    return _equal_kinds(budget, native(left), native(right))


@function("_!=_", "dyn", "dyn", shown="'!='")
def unequal(budget: Budget, left: Any, right: Any) -> bool:
    """Return whether two values are not equal."""
    return not equal(budget, left, right)


def _equal_kinds(budget: Budget, left: Any, right: Any) -> bool:
    kind, other = KIND[type(left)], KIND[type(right)]
    if kind in NUMBERS and other in NUMBERS:
        return bool(left == right)
    if kind != other:
        return False
    if kind == "list":
        return _equal_lists(budget, left, right)
    if kind == "map":
        return _equal_maps(budget, left, right)
    if kind == "timestamp":
        return timestamp_nanoseconds(left) == timestamp_nanoseconds(right)
    if kind == "duration":
        return duration_nanoseconds(left) == duration_nanoseconds(right)
    if kind == "optional_type":
        return left.present == right.present and equal(budget, left.value, right.value)
    return bool(left == right)


def _equal_lists(budget: Budget, left: Sequence[Any], right: Sequence[Any]) -> bool:
    length = len(left)
    if length != len(right):
        return False
    budget.spend(length)
    return all(equal(budget, one, other) for one, other in zip(left, right, strict=False))


def _equal_maps(budget: Budget, left: Mapping[Any, Any], right: Mapping[Any, Any]) -> bool:
    if len(left) != len(right):
        return False
    budget.spend(len(left))
    for key in left:
        value = find(right, key)
        if value is MISSING or not equal(budget, left[key], value):
            return False
    return True


def find(mapping: Mapping[Any, Any], key: Any) -> Any:
    """
    Return the value of a key, or :data:`MISSING`.

    Python takes ``1`` and ``true`` for the same key, CEL does not; CEL takes ``1``, ``1u`` and ``1.0`` for the same,
    and so does Python.

    :param mapping: A map.
    :param key: A value of CEL, of any type.
    """
    cls = type(key)
    try:
        if cls is str or cls is bytes:
            # Not a defaultdict's idea of it, which would change the data.
            return MISSING if isinstance(mapping, dict) and key not in mapping else mapping[key]
        key = native(key)
        if KIND[type(key)] not in _KEYS:
            return MISSING
        value = MISSING if isinstance(mapping, dict) and key not in mapping else mapping[key]
    except KeyError:
        return MISSING
    if (key == 0 or key == 1) and type(mapping) is dict:
        probe = _Probe(key)
        if probe in mapping and isinstance(probe.present, bool) is not isinstance(key, bool):
            return MISSING
    return value


class _Probe:
    """A key that finds out which key of a dict it is equal to."""

    __slots__ = ("key", "present")

    def __init__(self, key: Any) -> None:
        self.key = key
        self.present: Any = None

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        self.present = other
        return bool(other == self.key)


@function("_in_", "dyn", "list", shown="'in'")
def in_list(budget: Budget, value: Any, items: Sequence[Any]) -> bool:
    """Return whether one of the elements equals the value."""
    budget.spend(len(items))
    return any(equal(budget, value, item) for item in items)


@function("_in_", "dyn", "map", shown="'in'")
def in_map(_budget: Budget, value: Any, mapping: Mapping[Any, Any]) -> bool:
    """Return whether the map has the key."""
    return find(mapping, value) is not MISSING
