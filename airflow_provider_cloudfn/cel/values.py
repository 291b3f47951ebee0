"""
The values of CEL as native Python values, and the few types that Python has no equal for.

=================  ==========================================================================
CEL                Python
=================  ==========================================================================
int                ``int`` (64 bits are checked in arithmetic)
uint               :class:`UInt`
double             ``float``; a ``Decimal`` that arrives counts as one
bool, null         ``bool``, ``None``
string             ``str``; a ``UUID`` that arrives counts as one
bytes              ``bytes``; also ``bytearray`` and ``memoryview``
list               ``list``; any ``Sequence``, unconverted
map                ``dict``; any ``Mapping``, unconverted
timestamp          ``datetime``, without time zone taken as UTC; a ``date`` is its midnight in UTC
duration           ``timedelta``; both with nanoseconds where there are any, see :mod:`instants`
type               :class:`CelType`
optional_type      :class:`Optional`
=================  ==========================================================================
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from msgspec import Struct

__all__ = ["FOREIGN", "KIND", "MAX_INT", "MAX_UINT", "MIN_INT", "TYPES", "CelType", "Optional", "UInt", "native"]

MIN_INT: Final = -(2**63)
MAX_INT: Final = 2**63 - 1
MAX_UINT: Final = 2**64 - 1


class UInt(int):
    """An unsigned integer of CEL: ``1u``."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"UInt({int(self)})"

    def __str__(self) -> str:
        return int.__repr__(self)


class CelType(Struct, frozen=True):
    """
    What ``type(x)`` returns.

    :param name: The type's name in CEL, such as ``int``.
    """

    name: str

    def __repr__(self) -> str:
        return f"CelType({self.name!r})"

    def __str__(self) -> str:
        return self.name


class Optional:
    """
    A value that may be absent: what ``optional.of(x)``, ``a.?b`` and ``a[?b]`` return.

    :param value: The value, where there is one.
    """

    __slots__ = ("present", "value")

    NONE: Optional

    def __init__(self, *value: Any) -> None:
        self.present = bool(value)
        self.value = value[0] if value else None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Optional):
            return NotImplemented
        return self.present == other.present and self.value == other.value

    def __hash__(self) -> int:
        return hash((Optional, self.present, self.value))

    def __repr__(self) -> str:
        return f"Optional({self.value!r})" if self.present else "Optional()"


Optional.NONE = Optional()


class _Kinds(dict[type, str]):
    """The name of the CEL type of each Python class; learns a subclass when it first meets one."""

    def __missing__(self, cls: type) -> str:
        kind = next((kind for base, kind in _BASES if issubclass(cls, base)), f"Python {cls.__name__}")
        if len(self) < 1_000:  # classes that are made at run time are not kept for ever
            self[cls] = kind
        return kind


# In this order, because a bool is an int and a datetime is a date.
_BASES: Final[tuple[tuple[type, str], ...]] = (
    (bool, "bool"),
    (UInt, "uint"),
    (int, "int"),
    (float, "double"),
    (str, "string"),
    (bytes, "bytes"),
    (dt.datetime, "timestamp"),
    (dt.timedelta, "duration"),
    (dt.date, "date"),
    (Decimal, "decimal"),
    (UUID, "uuid"),
    (bytearray, "bytearray"),
    (memoryview, "bytearray"),
    (Mapping, "map"),
    (Sequence, "list"),
    (CelType, "type"),
    (Optional, "optional_type"),
)

KIND: Final = _Kinds(
    {
        type(None): "null_type",
        bool: "bool",
        int: "int",
        UInt: "uint",
        float: "double",
        str: "string",
        bytes: "bytes",
        list: "list",
        tuple: "list",
        dict: "map",
        dt.datetime: "timestamp",
        dt.timedelta: "duration",
        CelType: "type",
        Optional: "optional_type",
    }
)


#: The kinds that CEL has no type for: what they count as, and how they become that.
FOREIGN: Final[dict[str, tuple[str, Any]]] = {
    "date": ("timestamp", lambda value: dt.datetime(value.year, value.month, value.day, tzinfo=dt.UTC)),
    "decimal": ("double", lambda value: math.nan if value.is_nan() else float(value)),
    "uuid": ("string", str),
    "bytearray": ("bytes", bytes),
}

_NAMES: Final = "bool bytes double int list map null_type string type uint optional_type"
TYPES: Final[dict[str, CelType]] = {name: CelType(name) for name in _NAMES.split()} | {
    "timestamp": CelType("google.protobuf.Timestamp"),
    "duration": CelType("google.protobuf.Duration"),
}


def native(value: Any) -> Any:
    """Return the value as one of the Python types that CEL computes with; most already are one."""
    foreign = FOREIGN.get(KIND[type(value)])
    return value if foreign is None else foreign[1](value)
