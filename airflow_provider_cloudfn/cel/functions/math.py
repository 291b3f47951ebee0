"""The math library, as cel-go's."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.cel.equality import NUMBERS
from airflow_provider_cloudfn.cel.faults import Fault
from airflow_provider_cloudfn.cel.functions.arithmetic import int64
from airflow_provider_cloudfn.cel.registry import function
from airflow_provider_cloudfn.cel.values import KIND, MAX_UINT, UInt, native

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_cloudfn.cel.limits import Budget

__all__: list[str] = []


def _extreme(budget: Budget, name: str, values: tuple[Any, ...], is_better: Callable[[Any, Any], bool]) -> Any:
    """Return the extreme of the numbers, or of the numbers of a single list; the first of equals."""
    given: Sequence[Any] = values
    if len(values) == 1 and KIND[type(values[0])] == "list":
        given = values[0]
    budget.spend(len(given))
    if not given:
        raise Fault(f"{name}() needs at least one number")
    best: Any = None
    for item in given:
        number = native(item)
        if KIND[type(number)] not in NUMBERS:
            raise Fault(f"{name}() takes numbers, got {KIND[type(number)]}")
        if best is None or is_better(number, best):
            best = number
    return best


@function("math.greatest", "...")
def greatest(budget: Budget, *values: Any) -> Any:
    return _extreme(budget, "math.greatest", values, lambda number, best: number > best)


@function("math.least", "...")
def least(budget: Budget, *values: Any) -> Any:
    return _extreme(budget, "math.least", values, lambda number, best: number < best)


def _rounding(name: str, rounded: Callable[[float], int]) -> None:
    @function(name, "double")
    def declared(value: float) -> float:
        return float(rounded(value)) if math.isfinite(value) else value


_rounding("math.ceil", math.ceil)
_rounding("math.floor", math.floor)
_rounding("math.trunc", math.trunc)


@function("math.round", "double")
def round_half_away(value: float) -> float:
    """Return the nearest whole number; halves go away from zero."""
    if not math.isfinite(value):
        return value
    whole = float(math.trunc(value))
    return whole + math.copysign(1.0, value) if abs(value - whole) >= 0.5 else whole


@function("math.abs", "int")
def abs_int(value: int) -> int:
    return int64(abs(value))


@function("math.abs", "uint")
@function("math.abs", "double")
def abs_number(value: float) -> float:
    return value if isinstance(value, UInt) else abs(value)


@function("math.sign", "int")
def sign_int(value: int) -> int:
    return (value > 0) - (value < 0)


@function("math.sign", "uint")
def sign_uint(value: UInt) -> UInt:
    return UInt(value > 0)


@function("math.sign", "double")
def sign_double(value: float) -> float:
    return value if math.isnan(value) or value == 0 else math.copysign(1.0, value)


@function("math.sqrt", "number")
def sqrt(value: float) -> float:
    return math.sqrt(value) if value >= 0 else math.nan


@function("math.isNaN", "double")
def is_nan(value: float) -> bool:
    return math.isnan(value)


@function("math.isInf", "double")
def is_inf(value: float) -> bool:
    return math.isinf(value)


@function("math.isFinite", "double")
def is_finite(value: float) -> bool:
    return math.isfinite(value)


# Bits


def _signed(bits: int) -> int:
    """Return 64 bits as a signed integer."""
    bits &= MAX_UINT
    return bits - 2**64 if bits >= 2**63 else bits


def _bitwise(name: str, combine: Callable[[int, int], int]) -> None:
    function(name, "int", "int")(lambda left, right: combine(left, right))
    function(name, "uint", "uint")(lambda left, right: UInt(combine(int(left), int(right))))


_bitwise("math.bitAnd", operator.and_)
_bitwise("math.bitOr", operator.or_)
_bitwise("math.bitXor", operator.xor)


@function("math.bitNot", "int")
def bit_not_int(value: int) -> int:
    return ~value


@function("math.bitNot", "uint")
def bit_not_uint(value: UInt) -> UInt:
    return UInt(int(value) ^ MAX_UINT)


def _shift(by: int) -> int:
    if by < 0:
        raise Fault("bits can't be shifted by a negative number")
    return min(by, 64)


@function("math.bitShiftLeft", "int", "int")
def shift_left_int(value: int, by: int) -> int:
    return _signed(value << _shift(by))


@function("math.bitShiftLeft", "uint", "int")
def shift_left_uint(value: UInt, by: int) -> UInt:
    return UInt((int(value) << _shift(by)) & MAX_UINT)


@function("math.bitShiftRight", "int", "int")
def shift_right_int(value: int, by: int) -> int:
    """Return the bits shifted, with zeros from the left."""
    return _signed((value & MAX_UINT) >> _shift(by))


@function("math.bitShiftRight", "uint", "int")
def shift_right_uint(value: UInt, by: int) -> UInt:
    return UInt(int(value) >> _shift(by))
