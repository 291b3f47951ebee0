"""
``sort`` and ``sortBy``: over values of one type that has an order, as cel-go's lists library, or over numbers of any types.

Numbers have an order among themselves, and in a list of JSON's some are whole by chance.
"""

from __future__ import annotations

import datetime as dt
from heapq import merge
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn.cel.equality import NUMBERS
from airflow_provider_cloudfn.cel.faults import Fault
from airflow_provider_cloudfn.cel.instants import duration_nanoseconds, timestamp_nanoseconds
from airflow_provider_cloudfn.cel.registry import method
from airflow_provider_cloudfn.cel.values import KIND, native

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_cloudfn.cel.limits import Budget

__all__ = ["sort_by_keys"]

#: How many keys are sorted at once.
_RUN: Final = 1 << 15

_ORDERED: Final = frozenset({"int", "uint", "double", "bool", "string", "bytes", "timestamp", "duration"})


@method("sort", "list")
def sort(budget: Budget, items: Sequence[Any]) -> list[Any]:
    return sort_by_keys(budget, items, items)


def sort_by_keys(budget: Budget, items: Sequence[Any], keys: Sequence[Any]) -> list[Any]:
    """
    Return the items in the order of their keys; those with equal keys stay as they are.

    :raises Fault: when the keys are not of one type that has an order.
    """
    length = len(items)
    budget.elements(length)
    budget.spend(length * length.bit_length() >> 3)
    natives = [native(key) for key in keys]
    kinds = {KIND[type(key)] for key in natives}
    if not kinds <= NUMBERS and (len(kinds) > 1 or not kinds <= _ORDERED):
        raise Fault(f"only values of one type that has an order can be sorted, got {', '.join(sorted(kinds))}")
    if "double" in kinds and any(key != key for key in natives):
        raise Fault("NaN has no place in an order")
    if kinds and kinds <= {"string", "bytes"}:
        # They may be alike but for their ends, and each is compared with so many.
        budget.spend(sum(map(len, natives)) * length.bit_length() >> 9)
    key = [_key(key) for key in natives].__getitem__
    # In runs, because a signal waits until one is sorted.
    runs = [sorted(range(at, min(at + _RUN, length)), key=key) for at in range(0, length, _RUN)]
    return [items[index] for index in (runs[0] if len(runs) == 1 else merge(*runs, key=key))]


def _key(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return timestamp_nanoseconds(value)
    return duration_nanoseconds(value) if isinstance(value, dt.timedelta) else value
