"""Ours: ``json.encode`` and ``json.decode``, in the one way in which values become JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.cel.faults import Fault
from airflow_provider_cloudfn.cel.registry import function
from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.json_encoding import JsonNumber, encode_json, parse_foreign_json

if TYPE_CHECKING:
    from airflow_provider_cloudfn.cel.limits import Budget

__all__: list[str] = []

_DEPTH = 200


@function("json.encode", "dyn")
def encode(budget: Budget, value: Any) -> str:
    """Return the value as compact JSON text."""
    _measure(budget, value, 0)
    try:
        return encode_json(value)
    except ConfigurationError as error:
        raise Fault(f"json.encode(): {error.message}") from None


def _measure(budget: Budget, value: Any, depth: int) -> int:
    """Account for the text before it is built: a value may hold the same long string many times."""
    if isinstance(value, (str, bytes)):
        length = len(value)
        budget.text(length)
        return length
    if isinstance(value, (int, JsonNumber)):
        # One that JSON brought may have thousands of digits.
        length = 8 + value.bit_length() // 3 if isinstance(value, int) else len(value.text)
        budget.text(length)
        return length
    if depth > _DEPTH:
        raise Fault(f"json.encode() writes values that nest {_DEPTH} deep at most")
    total = 8
    if isinstance(value, Mapping):
        for key, item in value.items():
            budget.spend(1)
            total += _measure(budget, key, depth + 1) + _measure(budget, item, depth + 1)
    elif isinstance(value, Sequence):
        for item in value:
            budget.spend(1)
            total += _measure(budget, item, depth + 1)
    if total > budget.limits.string_length:
        budget.text(total)
    return total


@function("json.decode", "string")
def decode(budget: Budget, text: str) -> Any:
    """Return the value that a JSON text stands for."""
    budget.text(len(text))
    budget.elements(text.count(",") + text.count("[") + text.count("{"))
    try:
        return parse_foreign_json(text, can_be_ended=True)
    except ValueError as error:
        reason = str(error)
    raise Fault(f"json.decode() got text that is not JSON: it {reason}")
