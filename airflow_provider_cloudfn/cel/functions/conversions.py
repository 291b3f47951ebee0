"""Conversions: ``int``, ``uint``, ``double``, ``string``, ``bytes``, ``bool``, ``type`` and ``dyn``."""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn.cel.faults import Fault
from airflow_provider_cloudfn.cel.instants import (
    PreciseDuration,
    PreciseTimestamp,
    duration_nanoseconds,
    instant,
    timestamp_nanoseconds,
    timestamp_of,
)
from airflow_provider_cloudfn.cel.registry import function
from airflow_provider_cloudfn.cel.values import FOREIGN, KIND, MAX_INT, MAX_UINT, MIN_INT, TYPES, CelType, UInt
from airflow_provider_cloudfn.json_encoding import JsonNumber, duration_text, timestamp_text

if TYPE_CHECKING:
    from airflow_provider_cloudfn.cel.limits import Budget

__all__ = ["double_text", "text_of"]

_DIGITS: Final = r"[+-]?[0-9]{1,40}"
_DOUBLE: Final = r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,10})?|(?i:inf|infinity|nan))"


@function("int", "integer")
def int_of_integer(value: int) -> int:
    if value > MAX_INT:
        raise Fault("the number does not fit in the 64 bits of an int")
    return int(value)


@function("int", "double")
def int_of_double(value: float) -> int:
    if not -(2.0**63) < value < 2.0**63:
        raise Fault("the number does not fit in the 64 bits of an int")
    return int(value)


@function("int", "string")
def int_of_text(text: str) -> int:
    if re.fullmatch(_DIGITS, text) is None or not MIN_INT <= int(text) <= MAX_INT:
        raise Fault("int() needs the decimal digits of a number that fits in 64 bits")
    return int(text)


@function("int", "timestamp")
def int_of_timestamp(value: dt.datetime) -> int:
    """Return the seconds since 1970."""
    return timestamp_nanoseconds(value) // 1_000_000_000


@function("uint", "integer")
def uint_of_integer(value: int) -> UInt:
    if not 0 <= value <= MAX_UINT:
        raise Fault("the number is negative, or does not fit in 64 bits, which a uint can't be")
    return UInt(value)


@function("uint", "double")
def uint_of_double(value: float) -> UInt:
    if not 0 <= value < 2.0**64:
        raise Fault("the number is negative, or does not fit in 64 bits, which a uint can't be")
    return UInt(int(value))


@function("uint", "string")
def uint_of_text(text: str) -> UInt:
    if re.fullmatch(_DIGITS, text) is None or not 0 <= int(text) <= MAX_UINT:
        raise Fault("uint() needs the decimal digits of a number that is not negative and fits in 64 bits")
    return UInt(int(text))


@function("double", "integer")
def double_of_integer(value: int) -> float:
    return float(value)


@function("double", "string")
def double_of_text(text: str) -> float:
    if re.fullmatch(_DOUBLE, text) is None:
        raise Fault("double() needs a decimal number, such as 1.5e3")
    value = float(text)
    if math.isinf(value) and text[-1].isdigit():
        raise Fault("double() got a number that is out of the range of double")
    return value


@function("bool", "string")
def bool_of_text(text: str) -> bool:
    if text in ("true", "True", "TRUE", "t", "1"):
        return True
    if text in ("false", "False", "FALSE", "f", "0"):
        return False
    raise Fault("bool() needs 'true' or 'false'")


@function("bytes", "bytes")
def bytes_of_bytes(_budget: Budget, value: bytes) -> bytes:
    return value


@function("bytes", "string")
def bytes_of_text(budget: Budget, text: str) -> bytes:
    budget.text(len(text))
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise Fault("bytes() can't encode a lone surrogate") from None


@function("string", "dyn")
def string(budget: Budget, value: Any) -> str:
    if isinstance(value, (bytes, bytearray, memoryview)):
        budget.text(len(value))
        return text_of(value)
    text = text_of(value)
    if text is not value:
        # An integer from JSON may have thousands of digits.
        budget.text(len(text))
    return text


def text_of(value: Any) -> str:
    """
    Return the text of a scalar.

    :param value: A string, number, bool, bytes of UTF-8, timestamp, duration or type.
    :raises Fault: for null, a list, a map, and bytes that are no text.
    """
    kind = KIND[type(value)]
    to_text = _TEXTS.get(kind)
    if to_text is None:
        if kind == "null_type":
            raise Fault('null has no text; choose one with has(…) ? … : "…"')
        remedy = "; use json.encode(…)" if kind in ("list", "map") else ""
        raise Fault(f"a value of type {kind} has no text{remedy}")
    return str(to_text(value))


def double_text(value: float) -> str:
    """Return the text that a double was written as, else the shortest that reads as it: ``1``, ``1.5``, ``1e+23``, ``NaN``."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if isinstance(value, JsonNumber) and ("e" not in value.text.lower() or not value.is_double):
        return value.text
    text = repr(value)
    return text[:-2] if text.endswith(".0") else text


def _text_of_bytes(value: bytes) -> str:
    try:
        return bytes(value).decode("utf-8")
    except UnicodeDecodeError:
        raise Fault("the bytes are no text in UTF-8; use base64.encode(…)") from None


def _text_of_timestamp(value: dt.datetime) -> str:
    if not isinstance(value, PreciseTimestamp):
        return timestamp_text(instant(value))
    whole, rest = divmod(timestamp_nanoseconds(value), 1_000_000_000)
    return f"{timestamp_text(timestamp_of(whole * 1_000_000_000))[:-1]}.{rest:09}Z"


def _text_of_duration(value: dt.timedelta) -> str:
    if not isinstance(value, PreciseDuration):
        return duration_text(value)
    nanoseconds = duration_nanoseconds(value)
    whole, rest = divmod(abs(nanoseconds), 1_000_000_000)
    return f"{'-' if nanoseconds < 0 else ''}{whole}.{rest:09}s"


_TEXTS: Final[dict[str, Any]] = {
    "string": str,
    "bool": lambda value: "true" if value else "false",
    "int": int.__repr__,
    "uint": int.__repr__,
    "double": double_text,
    "bytes": _text_of_bytes,
    "timestamp": _text_of_timestamp,
    "duration": _text_of_duration,
    "type": lambda value: value.name,
    "uuid": str,
    "decimal": lambda value: format(value, "f") if abs(value.adjusted()) < 400 else str(value),
    "date": dt.date.isoformat,
    "bytearray": _text_of_bytes,
}


@function("type", "dyn")
def type_of(value: Any) -> CelType:
    kind = KIND[type(value)]
    kind = FOREIGN[kind][0] if kind in FOREIGN else kind
    if kind not in TYPES:
        raise Fault(f"a value of type {kind} is none of CEL")
    return TYPES[kind]


@function("dyn", "dyn")
@function("bool", "bool")
@function("double", "double")
def unchanged(value: Any) -> Any:
    return value
