"""From rules to syntax tree: what becomes of each rule of the grammar."""

from __future__ import annotations

from typing import Any, Final, NamedTuple, TypeAlias, cast

from airflow_provider_cloudfn.cel.limits import MAX_NESTING
from airflow_provider_cloudfn.cel.syntax import (
    Binary,
    Call,
    Conditional,
    Constant,
    Entry,
    Identifier,
    Index,
    Item,
    ListDisplay,
    Logical,
    MapDisplay,
    Message,
    Node,
    Select,
    Token,
    Unary,
)

__all__ = ["Lexeme", "SourceError", "TreeBuilder"]

Children: TypeAlias = list[Any]

_CONSTANTS: Final = {"true": True, "false": False, "null": None}


class SourceError(Exception):
    """
    A source is no expression.

    :param message: Why.
    :param at: Where, as an offset.
    :param limit: Whether it may be one, and nests too deep.
    """

    def __init__(self, message: str, at: int, *, limit: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.at = at
        self.limit = limit


class Lexeme(NamedTuple):
    """
    What stands in the source for a terminal of the grammar.

    :param terminal: The terminal's name.
    :param text: The text.
    :param at: Where, as an offset.
    """

    terminal: str
    text: str
    at: int


def _deep(at: int, *nodes: Any) -> int:
    """Return the depth of a node over these, which must not be too deep to evaluate."""
    depth: int = max([node.depth for node in nodes], default=0) + 1
    if depth > MAX_NESTING:
        raise SourceError(f"the expression nests deeper than {MAX_NESTING} levels", at, limit=True)
    return depth


class TreeBuilder:
    """
    What becomes of each rule of the grammar: the method of its name gets its children.

    The parser calls these while it parses, so that no second tree is ever built.
    """

    def literal(self, children: Children) -> Node:
        token = children[0]
        return Token(token.terminal, token.text, token.at)

    def ident(self, children: Children) -> Node:
        token = children[0]
        name = token.text
        if name in _CONSTANTS:
            return Constant(_CONSTANTS[name], token.at)
        return Identifier(name, token.at)

    def dot_ident(self, children: Children) -> Node:
        return Identifier(children[0].text, children[0].at, root=True)

    def ident_arg(self, children: Children) -> Node:
        name, *arguments = children
        operands = arguments[0] if arguments else []
        return Call(name.text, None, operands, name.at, _deep(name.at, *operands))

    dot_ident_arg = ident_arg

    def paren_expr(self, children: Children) -> Node:
        node = children[0]
        node.depth = _deep(node.at, node)
        return cast("Node", node)

    def exprlist(self, children: Children) -> list[Node]:
        return children

    fieldinits = exprlist

    def listitems(self, children: Children) -> Children:
        if len(children) == 1:
            return children
        children[0].append(children[1])
        return cast("Children", children[0])

    mapinits = listitems

    # member

    def member_dot(self, children: Children) -> Node:
        operand, field = children[0], children[-1]
        return Select(operand, _field_name(field), False, field.at, _deep(field.at, operand))

    def member_opt_dot(self, children: Children) -> Node:
        operand, field = children[0], children[-1]
        return Select(operand, _field_name(field), True, field.at, _deep(field.at, operand))

    def member_dot_arg(self, children: Children) -> Node:
        target, _, name, _, *rest = children
        arguments = rest[0] if len(rest) == 2 else []
        return Call(name.text, target, arguments, name.at, _deep(name.at, target, *arguments))

    def member_index(self, children: Children) -> Node:
        operand, bracket, key, _ = children
        return Index(operand, key, False, bracket.at, _deep(bracket.at, operand, key))

    def member_opt_index(self, children: Children) -> Node:
        operand, bracket, _, key, _ = children
        return Index(operand, key, True, bracket.at, _deep(bracket.at, operand, key))

    def member_object(self, children: Children) -> Node:
        return Message(children[0].at, 1)

    # displays

    def opt_item(self, children: Children) -> Item:
        return Item(children[0], True, children[0].depth)

    def list_lit(self, children: Children) -> Node:
        at = children[0].at
        given = children[1] if len(children) > 2 else []
        items = [item if isinstance(item, Item) else Item(item, False, item.depth) for item in given]
        return ListDisplay(items, at, _deep(at, *items))

    def entry(self, children: Children) -> Entry:
        key, _, value = children
        return Entry(key, value, False, key.at, max(key.depth, value.depth))

    def opt_entry(self, children: Children) -> Entry:
        _, key, _, value = children
        return Entry(key, value, True, key.at, max(key.depth, value.depth))

    def map_lit(self, children: Children) -> Node:
        at = children[0].at
        entries = children[1] if len(children) > 2 else []
        return MapDisplay(entries, at, _deep(at, *entries))

    # operators

    def expr(self, children: Children) -> Node:
        condition, mark, yes, _, no = children
        return Conditional(condition, yes, no, mark.at, _deep(mark.at, condition, yes, no))

    def conditionalor(self, children: Children) -> Node:
        left, operator, right = children
        at = operator.at
        if isinstance(left, Logical) and left.operator == operator.text:
            left.operands.append(right)  # a long chain is one node, however long
            left.depth = max(left.depth, _deep(at, right))
            return left
        return Logical(operator.text, [left, right], at, _deep(at, left, right))

    conditionaland = conditionalor

    def relation(self, children: Children) -> Node:
        (left, operator), right = children
        return Binary(operator.text, left, right, operator.at, _deep(operator.at, left, right))

    addition = multiplication = relation

    def relation_lt(self, children: Children) -> Children:
        return children

    relation_le = relation_gt = relation_ge = relation_eq = relation_ne = relation_in = relation_lt
    addition_add = addition_sub = relation_lt
    multiplication_mul = multiplication_div = multiplication_mod = relation_lt
    unary_not = unary_neg = relation_lt

    def unary(self, children: Children) -> Node:
        (operator,), operand = children
        at = operator.at
        if operator.text == "-" and isinstance(operand, Token) and operand.kind in ("INT", "DOUBLE"):
            # The sign belongs to the number: without it the least integer does not fit in 64 bits.
            if not operand.text.startswith("-"):
                return Token(operand.kind, "-" + operand.text, at)
            return Token(operand.kind, operand.text[1:], at)
        return Unary(operator.text, operand, at, _deep(at, operand))


def _field_name(token: Lexeme) -> str:
    text = token.text
    return text[1:-1] if text[0] == "`" else text
