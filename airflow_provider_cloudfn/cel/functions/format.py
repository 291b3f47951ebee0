"""``format``: ``"%s has %d of %.2f".format([…])``, as cel-go's, in the locale of no country."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn.cel.faults import Fault
from airflow_provider_cloudfn.cel.functions.conversions import text_of
from airflow_provider_cloudfn.cel.registry import method
from airflow_provider_cloudfn.cel.values import FOREIGN, KIND, native
from airflow_provider_cloudfn.json_encoding import JsonNumber

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_cloudfn.cel.limits import Budget

__all__: list[str] = []

_CLAUSE: Final = re.compile(r"%(?:%|(?:\.([0-9]{1,10}))?([a-zA-Z])|)")
_PRECISION: Final = 6
#: Up to here a double holds every integer.
_EXACT: Final = 2**53


@method("format", "string", "list")
def format_text(budget: Budget, template: str, values: Sequence[Any]) -> str:
    """Return the template with each clause replaced by the next of the values."""
    budget.text(len(template))
    budget.spend(template.count("%"))
    pieces: list[str] = []
    end = taken = 0
    for match in _CLAUSE.finditer(template):
        pieces.append(template[end : match.start()])
        end = match.end()
        if match[0] == "%%":
            pieces.append("%")
            continue
        formatter = _FORMATTERS.get(match[2] or "")
        if formatter is None:
            raise Fault(f"format() has no clause '{match[0]}'; it has %s %d %f %e %b %o %x %X and %%")
        if taken >= len(values):
            raise Fault(f"format() has more clauses than the {len(values)} values it got")
        precision = _PRECISION if match[1] is None else int(match[1])
        if precision > budget.limits.format_precision:
            raise Fault(f"format() gives {budget.limits.format_precision} digits at most")
        piece = formatter(budget, _readable(values[taken]), precision)
        budget.text(len(piece))
        pieces.append(piece)
        taken += 1
    pieces.append(template[end:])
    budget.text(sum(map(len, pieces)))
    return "".join(pieces)


def _readable(value: Any) -> Any:
    """Return a value as CEL computes with it; a decimal as it is, since its digits are what is written."""
    return value if isinstance(value, Decimal) else native(value)


def _mismatch(clause: str, takes: str, value: Any) -> Fault:
    kind = KIND[type(value)]
    return Fault(f"format() takes {takes} for {clause}, got {FOREIGN.get(kind, (kind,))[0]}")


def _special(value: float | Decimal) -> str | None:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return None


def _string(budget: Budget, value: Any, _precision: int = 0) -> str:
    value = _readable(value)
    kind = KIND[type(value)]
    if kind == "string":
        return str(value)
    if kind in ("double", "decimal"):
        return _special(value) or text_of(value)
    if kind == "null_type":
        return "null"
    if kind == "list":
        budget.elements(len(value))
        return _joined(budget, "[", [_string(budget, item) for item in value], "]")
    if kind == "map":
        budget.elements(len(value))
        pairs = sorted((_string(budget, key), _string(budget, value[key])) for key in value)
        return _joined(budget, "{", [f"{key}: {item}" for key, item in pairs], "}")
    if kind in ("bool", "int", "uint", "bytes", "timestamp", "duration", "type"):
        return text_of(value)
    raise _mismatch("%s", "values that have a text", value)


def _joined(budget: Budget, opening: str, pieces: list[str], closing: str) -> str:
    budget.text(sum(map(len, pieces)) + 2 * len(pieces))
    return opening + ", ".join(pieces) + closing


def _decimal(_budget: Budget, value: Any, _precision: int) -> str:
    kind = KIND[type(value)]
    if kind in ("int", "uint"):
        return int.__repr__(value)
    if kind in ("double", "decimal"):
        return _special(value) or text_of(value)
    raise _mismatch("%d", "a number", value)


def _floating(clause: str) -> Callable[[Budget, Any, int], str]:
    def format_double(budget: Budget, value: Any, precision: int) -> str:
        if KIND[type(value)] not in ("int", "uint", "double", "decimal"):
            raise _mismatch(f"%{clause}", "a number", value)
        if isinstance(value, JsonNumber):
            budget.text(len(value.text))
        if clause == "f" and (exact := _beyond_double(value)) is not None:
            return f"{exact:.{precision}f}"
        return _special(value) or f"{float(value):.{precision}{clause}}"

    return format_double


def _beyond_double(value: Any) -> Decimal | None:
    """Return a number of which a double would lose digits; None for all others."""
    if isinstance(value, Decimal):
        return value if value.is_finite() else None
    if isinstance(value, JsonNumber):
        return None if value.is_double else Decimal(value.text)
    return Decimal(value) if isinstance(value, int) and abs(value) > _EXACT else None


def _integral(clause: str, takes: str, *kinds: str) -> Callable[[Budget, Any, int], str]:
    def format_integer(_budget: Budget, value: Any, _precision: int) -> str:
        if KIND[type(value)] not in kinds:
            raise _mismatch(f"%{clause}", takes, value)
        return f"{int(value):{clause}}"

    return format_integer


def _hexadecimal(budget: Budget, value: Any, _precision: int) -> str:
    kind = KIND[type(value)]
    if kind in ("int", "uint"):
        return f"{int(value):x}"
    if kind == "string":
        budget.text(4 * len(value))
        return str(value.encode("utf-8").hex())
    if kind == "bytes":
        budget.text(2 * len(value))
        return str(value.hex())
    raise _mismatch("%x", "an integer, string or bytes", value)


_FORMATTERS: Final[dict[str, Callable[[Budget, Any, int], str]]] = {
    "s": _string,
    "d": _decimal,
    "f": _floating("f"),
    "e": _floating("e"),
    "b": _integral("b", "an integer or bool", "int", "uint", "bool"),
    "o": _integral("o", "an integer", "int", "uint"),
    "x": _hexadecimal,
    "X": lambda *given: _hexadecimal(*given).upper(),
}
