"""
The syntax tree of an expression: what the parser builds and the compiler turns into closures.

Structs: as dataclasses, these take longer to define than an expression takes to parse.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class Node(Struct, kw_only=True):
    """
    Any node.

    :param at: Where it stands, as an offset into the source: the operator of an operation, the bracket of a list, the name of a
        call or field.
    :param depth: How deep the tree below it is.
    """

    at: int
    depth: int = 1


class Token(Node):
    """A literal that stands in the source, not yet decoded: its problems are reported with those of the rest."""

    kind: str
    text: str


class Constant(Node):
    """A value that needs no evaluation."""

    value: Any


class Identifier(Node):
    """A name; ``root`` when it was written ``.name``, which no variable of a macro can shadow."""

    name: str
    root: bool = False


class Select(Node):
    """``operand.field``, or ``operand.?field``."""

    operand: Node
    field: str
    optional: bool = False


class Index(Node):
    """``operand[key]``, or ``operand[?key]``."""

    operand: Node
    key: Node
    optional: bool = False


class Call(Node):
    """``name(…)``, or ``target.name(…)``."""

    name: str
    target: Node | None
    arguments: list[Node]


class Unary(Node):
    """``!operand`` or ``-operand``."""

    operator: str
    operand: Node


class Binary(Node):
    """``left operator right``, for arithmetic and relations."""

    operator: str
    left: Node
    right: Node


class Logical(Node):
    """``a || b || c`` or ``a && b && c``."""

    operator: str
    operands: list[Node]


class Conditional(Node):
    """``condition ? yes : no``."""

    condition: Node
    yes: Node
    no: Node


class Item(Node):
    """An element of a list display; left out when it is optional and absent."""

    value: Node
    optional: bool = False


class ListDisplay(Node):
    """``[a, ?b]``."""

    items: list[Item]


class Entry(Node):
    """An entry of a map display; left out when it is optional and its value absent."""

    key: Node
    value: Node
    optional: bool = False


class MapDisplay(Node):
    """``{"a": 1, ?"b": c}``."""

    entries: list[Entry]


class Message(Node):
    """``Name{field: value}``: protocol buffer messages, which this engine does not have."""
