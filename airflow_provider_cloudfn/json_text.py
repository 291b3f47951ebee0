"""Reads JSON text that an author wrote: exactly, or not at all."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

__all__ = ["RepeatedKeyError", "read_json"]


class RepeatedKeyError(Exception):
    """
    JSON text has a key twice in one object, so nobody knows which value it means.

    :param key: The key.
    """

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def read_json(text: str) -> Any:
    """
    Return what JSON text means. Numbers with a fraction keep all their digits.

    :param text: The text.
    :raises ValueError: for text that is no JSON; `NaN` and its like are none (RFC 8259).
    :raises RepeatedKeyError: for an object that has a key twice.
    """

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        parsed = dict(found)
        if len(parsed) < len(found):
            names = [name for name, _ in found]
            raise RepeatedKeyError(next(name for name in names if names.count(name) > 1))
        return parsed

    try:
        return json.loads(text, parse_constant=refuse, parse_float=Decimal, object_pairs_hook=pairs)
    except RecursionError:
        raise ValueError("nested too deeply") from None
