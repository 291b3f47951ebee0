"""The relations ``< <= > >=``: numbers among themselves whatever their types, and everything else within its type."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn.cel.instants import duration_nanoseconds, timestamp_nanoseconds
from airflow_provider_cloudfn.cel.registry import function

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

__all__: list[str] = []

_RELATIONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _declare(symbol: str, relation: Callable[[Any, Any], bool]) -> None:
    name, shown = f"_{symbol}_", f"'{symbol}'"

    def alike(left: Any, right: Any) -> bool:
        return relation(left, right)

    def mixed(left: float, right: float) -> bool:
        return relation(float(left), float(right))  # the specification compares an int with a double as doubles

    def timestamps(left: dt.datetime, right: dt.datetime) -> bool:
        return relation(timestamp_nanoseconds(left), timestamp_nanoseconds(right))

    def durations(left: dt.timedelta, right: dt.timedelta) -> bool:
        return relation(duration_nanoseconds(left), duration_nanoseconds(right))

    for integer in ("int", "uint"):
        function(name, integer, "double", shown=shown)(mixed)
        function(name, "double", integer, shown=shown)(mixed)
    function(name, "number", "number", shown=shown)(alike)
    function(name, "timestamp", "timestamp", shown=shown)(timestamps)
    function(name, "duration", "duration", shown=shown)(durations)
    for kind in ("bool", "string", "bytes"):
        function(name, kind, kind, shown=shown)(alike)


for _symbol, _relation in _RELATIONS.items():
    _declare(_symbol, _relation)
