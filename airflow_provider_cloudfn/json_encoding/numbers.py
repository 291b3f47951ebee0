"""
Numbers that have more to them than a double holds: how they keep their digits.

A number in JSON text can have any digits, and a double has 17. Such a number is a double wherever it is calculated with; where
it is handed on as it is, it is written as it came. XCom and asset events hold doubles and integers of 64 bits: a number that
they would change stands there as ``{"$cloudfn.number": "12345678901234567.89"}``, and is the number again where an expression
reads it.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any, Final

__all__ = ["LONGEST_NUMBER", "JsonNumber", "kept", "number_of", "restored", "without_decimal"]

_TAG: Final = "$cloudfn.number"
#: How many characters the text of a number may have: as many as Python reads of an integer, and its sign.
LONGEST_NUMBER: Final = 4_301
_SMALLEST: Final = -(2**63)
_LARGEST: Final = 2**64 - 1
#: A number of JSON (RFC 8259, section 6).
_NUMBER: Final = re.compile(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)


class JsonNumber(float):
    """
    A double that is written as it was read: ``10.50``, ``12345678901234567.89``.

    What is calculated with it is a plain double.

    :param text: A number with a fraction or an exponent, as JSON has it.
    """

    __slots__ = ("text",)

    text: str

    def __new__(cls, text: str) -> JsonNumber:
        """Return the number that a text is."""
        number = super().__new__(cls, text)
        number.text = text
        return number

    def __reduce__(self) -> tuple[Any, ...]:
        return JsonNumber, (self.text,)

    def __neg__(self) -> JsonNumber:
        return JsonNumber(self.text[1:] if self.text.startswith("-") else f"-{self.text}")

    @property
    def is_double(self) -> bool:
        """Whether a double holds it: as the shortest text that means the double, or with the 17 digits that some write."""
        if not math.isfinite(self):
            return False
        exact = Decimal(self.text)
        return exact in (Decimal(float.__repr__(self)), Decimal(format(float(self), ".17g")))


def number_of(text: str) -> float:
    """
    Return a number with a fraction or an exponent.

    :param text: A number, as JSON or CEL have it.
    """
    number = float(text)
    if repr(number) == text or math.isinf(number) or _NUMBER.fullmatch(text) is None:
        return number
    return JsonNumber(text)


def kept(value: float | Decimal) -> Any:
    """
    Return what stands for a number in XCom and in an asset event.

    :param value: A finite number.
    """
    if isinstance(value, int):
        return value if _SMALLEST <= value <= _LARGEST else {_TAG: str(value)}
    if isinstance(value, Decimal):
        if value == value.to_integral_value() and abs(value) < 10**18:
            return int(value)
        value = JsonNumber(str(value))
    if isinstance(value, JsonNumber) and not value.is_double:
        return {_TAG: value.text}
    return float(value)


def without_decimal(value: Decimal) -> float | Decimal:
    """
    Return what is written as the same text, and is a number for those who know no decimals, too.

    :param value: A finite number.
    """
    text = str(value)
    if text.lstrip("-").isdigit():
        return int(value)
    number = number_of(text)
    return value if math.isinf(number) else number


def restored(value: Any) -> Any:
    """
    Return a value of XCom, or of an asset event, with the numbers that :func:`kept` has put aside.

    :param value: A value; what has none of them in it is returned as it is.
    """
    if isinstance(value, dict):
        if len(value) == 1 and _TAG in value:
            return _number(value)
        changed = {key: new for key, old in value.items() if (new := restored(old)) is not old}
        return {**value, **changed} if changed else value
    if isinstance(value, list):
        items = [restored(item) for item in value]
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    return value


def _number(tagged: dict[str, Any]) -> Any:
    """Return the number that a map stands for; the map itself where :func:`kept` would not have made it."""
    text = tagged[_TAG]
    found = _NUMBER.fullmatch(text) if isinstance(text, str) and len(text) <= LONGEST_NUMBER else None
    if found is None:
        return tagged
    number = JsonNumber(text) if found[1] or found[2] else int(text)
    return number if kept(number) == tagged else tagged
