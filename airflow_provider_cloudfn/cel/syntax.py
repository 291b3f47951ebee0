"""
The syntax tree of an expression: what the parser builds and the compiler turns into closures.

``at`` is where a node stands, as an offset into the source: the operator of an operation, the bracket of a list, the
name of a call or field. ``depth`` is how deep the tree below it is.

Plain classes: as dataclasses, these take longer to define than an expression takes to parse.
"""

from __future__ import annotations

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


class Token:
    """A literal that stands in the source, not yet decoded: its problems are reported with those of the rest."""

    __slots__ = ("at", "depth", "kind", "text")

    def __init__(self, kind: str, text: str, at: int, depth: int = 1) -> None:
        self.kind = kind
        self.text = text
        self.at = at
        self.depth = depth


class Constant:
    """A value that needs no evaluation."""

    __slots__ = ("at", "depth", "value")

    def __init__(self, value: Any, at: int, depth: int = 1) -> None:
        self.value = value
        self.at = at
        self.depth = depth


class Identifier:
    """A name; ``root`` when it was written ``.name``, which no variable of a macro can shadow."""

    __slots__ = ("at", "depth", "name", "root")

    def __init__(self, name: str, at: int, root: bool = False, depth: int = 1) -> None:
        self.name = name
        self.at = at
        self.root = root
        self.depth = depth


class Select:
    """``operand.field``, or ``operand.?field``."""

    __slots__ = ("at", "depth", "field", "operand", "optional")

    def __init__(self, operand: Node, field: str, optional: bool, at: int, depth: int) -> None:
        self.operand = operand
        self.field = field
        self.optional = optional
        self.at = at
        self.depth = depth


class Index:
    """``operand[key]``, or ``operand[?key]``."""

    __slots__ = ("at", "depth", "key", "operand", "optional")

    def __init__(self, operand: Node, key: Node, optional: bool, at: int, depth: int) -> None:
        self.operand = operand
        self.key = key
        self.optional = optional
        self.at = at
        self.depth = depth


class Call:
    """``name(…)``, or ``target.name(…)``."""

    __slots__ = ("arguments", "at", "depth", "name", "target")

    def __init__(self, name: str, target: Node | None, arguments: list[Node], at: int, depth: int) -> None:
        self.name = name
        self.target = target
        self.arguments = arguments
        self.at = at
        self.depth = depth


class Unary:
    """``!operand`` or ``-operand``."""

    __slots__ = ("at", "depth", "operand", "operator")

    def __init__(self, operator: str, operand: Node, at: int, depth: int) -> None:
        self.operator = operator
        self.operand = operand
        self.at = at
        self.depth = depth


class Binary:
    """``left operator right``, for arithmetic and relations."""

    __slots__ = ("at", "depth", "left", "operator", "right")

    def __init__(self, operator: str, left: Node, right: Node, at: int, depth: int) -> None:
        self.operator = operator
        self.left = left
        self.right = right
        self.at = at
        self.depth = depth


class Logical:
    """``a || b || c`` or ``a && b && c``."""

    __slots__ = ("at", "depth", "operands", "operator")

    def __init__(self, operator: str, operands: list[Node], at: int, depth: int) -> None:
        self.operator = operator
        self.operands = operands
        self.at = at
        self.depth = depth


class Conditional:
    """``condition ? yes : no``."""

    __slots__ = ("at", "condition", "depth", "no", "yes")

    def __init__(self, condition: Node, yes: Node, no: Node, at: int, depth: int) -> None:
        self.condition = condition
        self.yes = yes
        self.no = no
        self.at = at
        self.depth = depth


class Item:
    """An element of a list display; left out when it is optional and absent."""

    __slots__ = ("depth", "optional", "value")

    def __init__(self, value: Node, optional: bool, depth: int) -> None:
        self.value = value
        self.optional = optional
        self.depth = depth


class ListDisplay:
    """``[a, ?b]``."""

    __slots__ = ("at", "depth", "items")

    def __init__(self, items: list[Item], at: int, depth: int) -> None:
        self.items = items
        self.at = at
        self.depth = depth


class Entry:
    """An entry of a map display; left out when it is optional and its value absent."""

    __slots__ = ("at", "depth", "key", "optional", "value")

    def __init__(self, key: Node, value: Node, optional: bool, at: int, depth: int) -> None:
        self.key = key
        self.value = value
        self.optional = optional
        self.at = at
        self.depth = depth


class MapDisplay:
    """``{"a": 1, ?"b": c}``."""

    __slots__ = ("at", "depth", "entries")

    def __init__(self, entries: list[Entry], at: int, depth: int) -> None:
        self.entries = entries
        self.at = at
        self.depth = depth


class Message:
    """``Name{field: value}``: protocol buffer messages, which this engine does not have."""

    __slots__ = ("at", "depth")

    def __init__(self, at: int, depth: int) -> None:
        self.at = at
        self.depth = depth


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
