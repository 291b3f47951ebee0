"""Attributes of CloudEvents that are JSON, and that not every database takes."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["HOSTILE"]


def _nested(depth: int, value: Any) -> Any:
    for _ in range(depth):
        value = [value]
    return value


#: What a sender may put into JSON, and not every database takes.
HOSTILE: Final[list[dict[str, Any]]] = [
    {"id": "a\x00b"},
    {"id": "a\ud800b"},
    {"id": "x" * 5000},
    {"subject": "a\x00b"},
    {"data": {"a\x00b": 1}},
    {"data": "c\x00d"},
    {"data": "\\u0000 and \\\\u0000"},
    {"data": "a\ud800b"},
    {"data": [[[[1e300, -0.0, 12345678901234567890123]]]]},
    # About as deep as JSON may be here, where what is put around it decides.
    *({"data": _nested(depth, 12345678901234567890123)} for depth in range(196, 203)),
    *({"data": {"a": _nested(depth, [])}} for depth in range(196, 203)),
    {"type": "order\x00paid"},
    {"type": "order.paid" * 500},
    {"type": "\N{LATIN SMALL LETTER U WITH DIAERESIS}" * 900},
    {"time": "0001-01-01T00:00:00+14:00"},
    {"time": "9999-12-31T23:59:59-14:00"},
    {"source": "/" + "s" * 5000},
    {"extension": "a\x00b"},
]
