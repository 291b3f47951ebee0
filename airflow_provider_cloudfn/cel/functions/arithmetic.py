"""The operators ``+ - * / %`` and the sign, for numbers, and ``+`` for text, bytes and lists."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.cel.faults import Fault
from airflow_provider_cloudfn.cel.registry import function
from airflow_provider_cloudfn.cel.values import MAX_INT, MAX_UINT, MIN_INT, UInt
from airflow_provider_cloudfn.json_encoding import JsonNumber

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_cloudfn.cel.limits import Budget

__all__ = ["int64", "uint64"]


def int64(value: int) -> int:
    """Return an int that fits in 64 bits."""
    if MIN_INT <= value <= MAX_INT:
        return value
    raise Fault("the result does not fit in the 64 bits of an int")


def uint64(value: int) -> UInt:
    """Return a uint that fits in 64 bits and is not negative."""
    if 0 <= value <= MAX_UINT:
        return UInt(value)
    raise Fault("the result is negative, or does not fit in 64 bits, which a uint can't be")


@function("_+_", "int", "int", shown="'+'")
def add_int(_budget: Budget, left: int, right: int) -> int:
    return int64(left + right)


@function("_+_", "uint", "uint", shown="'+'")
def add_uint(_budget: Budget, left: UInt, right: UInt) -> UInt:
    return uint64(left + right)


@function("_+_", "double", "double", shown="'+'")
def add_double(_budget: Budget, left: float, right: float) -> float:
    return left + right


@function("_+_", "string", "string", shown="'+'")
def concatenate(budget: Budget, left: str, right: str) -> str:
    budget.text(len(left) + len(right))
    return left + right


@function("_+_", "bytes", "bytes", shown="'+'")
def concatenate_bytes(budget: Budget, left: bytes, right: bytes) -> bytes:
    budget.text(len(left) + len(right))
    return left + right


@function("_+_", "list", "list", shown="'+'")
def concatenate_lists(budget: Budget, left: Sequence[Any], right: Sequence[Any]) -> list[Any]:
    budget.elements(len(left) + len(right))
    return [*left, *right]


@function("_-_", "int", "int", shown="'-'")
def subtract_int(left: int, right: int) -> int:
    return int64(left - right)


@function("_-_", "uint", "uint", shown="'-'")
def subtract_uint(left: UInt, right: UInt) -> UInt:
    return uint64(int(left) - int(right))


@function("_-_", "double", "double", shown="'-'")
def subtract_double(left: float, right: float) -> float:
    return left - right


@function("_*_", "int", "int", shown="'*'")
def multiply_int(left: int, right: int) -> int:
    return int64(left * right)


@function("_*_", "uint", "uint", shown="'*'")
def multiply_uint(left: UInt, right: UInt) -> UInt:
    return uint64(int(left) * int(right))


@function("_*_", "double", "double", shown="'*'")
def multiply_double(left: float, right: float) -> float:
    return left * right


@function("_/_", "int", "int", shown="'/'")
def divide_int(left: int, right: int) -> int:
    if right == 0:
        raise Fault("division by zero")
    quotient = abs(left) // abs(right)  # towards zero, where Python's goes down
    return int64(quotient if (left < 0) == (right < 0) else -quotient)


@function("_/_", "uint", "uint", shown="'/'")
def divide_uint(left: UInt, right: UInt) -> UInt:
    if right == 0:
        raise Fault("division by zero")
    return UInt(int(left) // int(right))


@function("_/_", "double", "double", shown="'/'")
def divide_double(left: float, right: float) -> float:
    if right != 0:
        return left / right
    if left == 0 or math.isnan(left):
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


@function("_%_", "int", "int", shown="'%'")
def modulo_int(left: int, right: int) -> int:
    if right == 0:
        raise Fault("modulus by zero")
    remainder = abs(left) % abs(right)
    return -remainder if left < 0 else remainder


@function("_%_", "uint", "uint", shown="'%'")
def modulo_uint(left: UInt, right: UInt) -> UInt:
    if right == 0:
        raise Fault("modulus by zero")
    return UInt(int(left) % int(right))


@function("-_", "int", shown="'-'")
def negate_int(_budget: Budget, value: int) -> int:
    return int64(-value)


@function("-_", "double", shown="'-'")
def negate_double(budget: Budget, value: float) -> float:
    if isinstance(value, JsonNumber):
        budget.text(len(value.text))
    return -value


@function("!_", "bool", shown="'!'")
def negate_bool(value: bool) -> bool:
    return not value
