"""
The syntax tree of an expression: what the parser builds and the compiler turns into closures.

``at`` is where a node stands, as an offset into the source: the operator of an operation, the bracket of a list, the
name of a call or field. ``depth`` is how deep the tree below it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

__all__ = [
    "Binary",
    "Call",
    "Conditional",
    "Constant",
    "Entry",
    "Identifier",
    "Index",
    "Item",
    "ListDisplay",
    "Logical",
    "MapDisplay",
    "Message",
    "Node",
    "Select",
    "Token",
    "Unary",
]


@dataclass(slots=True)
class Token:
    """A literal that stands in the source, not yet decoded: its problems are reported with those of the rest."""

    kind: str
    text: str
    at: int
    depth: int = 1


@dataclass(slots=True)
class Constant:
    """A value that needs no evaluation."""

    value: Any
    at: int
    depth: int = 1


@dataclass(slots=True)
class Identifier:
    """A name; ``root`` when it was written ``.name``, which no variable of a macro can shadow."""

    name: str
    at: int
    root: bool = False
    depth: int = 1


@dataclass(slots=True)
class Select:
    """``operand.field``, or ``operand.?field``."""

    operand: Node
    field: str
    optional: bool
    at: int
    depth: int


@dataclass(slots=True)
class Index:
    """``operand[key]``, or ``operand[?key]``."""

    operand: Node
    key: Node
    optional: bool
    at: int
    depth: int


@dataclass(slots=True)
class Call:
    """``name(…)``, or ``target.name(…)``."""

    name: str
    target: Node | None
    arguments: list[Node]
    at: int
    depth: int


@dataclass(slots=True)
class Unary:
    """``!operand`` or ``-operand``."""

    operator: str
    operand: Node
    at: int
    depth: int


@dataclass(slots=True)
class Binary:
    """``left operator right``, for arithmetic and relations."""

    operator: str
    left: Node
    right: Node
    at: int
    depth: int


@dataclass(slots=True)
class Logical:
    """``a || b || c`` or ``a && b && c``."""

    operator: str
    operands: list[Node]
    at: int
    depth: int


@dataclass(slots=True)
class Conditional:
    """``condition ? yes : no``."""

    condition: Node
    yes: Node
    no: Node
    at: int
    depth: int


@dataclass(slots=True)
class Item:
    """An element of a list display; left out when it is optional and absent."""

    value: Node
    optional: bool
    depth: int


@dataclass(slots=True)
class ListDisplay:
    """``[a, ?b]``."""

    items: list[Item]
    at: int
    depth: int


@dataclass(slots=True)
class Entry:
    """An entry of a map display; left out when it is optional and its value absent."""

    key: Node
    value: Node
    optional: bool
    at: int
    depth: int


@dataclass(slots=True)
class MapDisplay:
    """``{"a": 1, ?"b": c}``."""

    entries: list[Entry]
    at: int
    depth: int


@dataclass(slots=True)
class Message:
    """``Name{field: value}``: protocol buffer messages, which this engine does not have."""

    at: int
    depth: int


Node: TypeAlias = (
    Token
    | Constant
    | Identifier
    | Select
    | Index
    | Call
    | Unary
    | Binary
    | Logical
    | Conditional
    | ListDisplay
    | MapDisplay
    | Message
)
