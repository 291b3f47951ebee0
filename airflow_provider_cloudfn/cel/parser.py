"""From source text to syntax tree: what Lark calls at each rule of the grammar, and what a syntax error says."""

from __future__ import annotations

import threading
from typing import Any, Final, TypeAlias, cast

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
from airflow_provider_cloudfn.cel.tables import load

__all__ = ["SourceError", "parse"]

Children: TypeAlias = list[Any]

#: What Python's operators are called here.
_PYTHON: Final = {"and": "&&", "or": "||", "not": "!", "if": "condition ? a : b", "is": "=="}
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


def parse(source: str) -> Node:
    """
    Parse an expression.

    :param source: The expression.
    :raises SourceError: when it is none.
    """
    from lark.exceptions import UnexpectedCharacters, UnexpectedToken

    try:
        return cast("Node", _parser().parse(source))
    except UnexpectedCharacters as error:
        at: int = error.pos_in_stream  # type: ignore[assignment]  # always set by this kind of error
        raise SourceError(_unexpected_character(source, at), at) from None
    except UnexpectedToken as error:
        token = error.token
        if token.type == "$END":
            raise SourceError(_unexpected_end(source), len(source.rstrip())) from None
        raise SourceError(_unexpected_token(source, str(token), token.start_pos or 0), token.start_pos or 0) from None


_lock: Final = threading.Lock()
_loaded: Any = None


def _parser() -> Any:
    global _loaded
    if _loaded is None:
        with _lock:
            if _loaded is None:
                _loaded = load(TreeBuilder())
    return _loaded


def _deep(at: int, *nodes: Any) -> int:
    """Return the depth of a node over these, which must not be too deep to evaluate."""
    depth: int = max([node.depth for node in nodes], default=0) + 1
    if depth > MAX_NESTING:
        raise SourceError(f"the expression nests deeper than {MAX_NESTING} levels", at, limit=True)
    return depth


class TreeBuilder:
    """
    What becomes of each rule of the grammar: the method of its name gets its children.

    Lark calls these while it parses, so that no second tree is ever built.
    """

    def literal(self, children: Children) -> Node:
        token = children[0]
        return Token(token.type, str(token), token.start_pos)

    def ident(self, children: Children) -> Node:
        token = children[0]
        name = str(token)
        if name in _CONSTANTS:
            return Constant(_CONSTANTS[name], token.start_pos)
        return Identifier(name, token.start_pos)

    def dot_ident(self, children: Children) -> Node:
        return Identifier(str(children[0]), children[0].start_pos, root=True)

    def ident_arg(self, children: Children) -> Node:
        name, *arguments = children
        operands = arguments[0] if arguments else []
        return Call(str(name), None, operands, name.start_pos, _deep(name.start_pos, *operands))

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
        return Select(operand, _field_name(field), False, field.start_pos, _deep(field.start_pos, operand))

    def member_opt_dot(self, children: Children) -> Node:
        operand, field = children[0], children[-1]
        return Select(operand, _field_name(field), True, field.start_pos, _deep(field.start_pos, operand))

    def member_dot_arg(self, children: Children) -> Node:
        target, _, name, _, *rest = children
        arguments = rest[0] if len(rest) == 2 else []
        return Call(str(name), target, arguments, name.start_pos, _deep(name.start_pos, target, *arguments))

    def member_index(self, children: Children) -> Node:
        operand, bracket, key, _ = children
        return Index(operand, key, False, bracket.start_pos, _deep(bracket.start_pos, operand, key))

    def member_opt_index(self, children: Children) -> Node:
        operand, bracket, _, key, _ = children
        return Index(operand, key, True, bracket.start_pos, _deep(bracket.start_pos, operand, key))

    def member_object(self, children: Children) -> Node:
        return Message(children[0].at, 1)

    # displays

    def opt_item(self, children: Children) -> Item:
        return Item(children[0], True, children[0].depth)

    def list_lit(self, children: Children) -> Node:
        at = children[0].start_pos
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
        at = children[0].start_pos
        entries = children[1] if len(children) > 2 else []
        return MapDisplay(entries, at, _deep(at, *entries))

    # operators

    def expr(self, children: Children) -> Node:
        condition, mark, yes, _, no = children
        return Conditional(condition, yes, no, mark.start_pos, _deep(mark.start_pos, condition, yes, no))

    def conditionalor(self, children: Children) -> Node:
        left, operator, right = children
        at = operator.start_pos
        if isinstance(left, Logical) and left.operator == str(operator):
            left.operands.append(right)  # a long chain is one node, however long
            left.depth = max(left.depth, _deep(at, right))
            return left
        return Logical(str(operator), [left, right], at, _deep(at, left, right))

    conditionaland = conditionalor

    def relation(self, children: Children) -> Node:
        (left, operator), right = children
        return Binary(str(operator), left, right, operator.start_pos, _deep(operator.start_pos, left, right))

    addition = multiplication = relation

    def relation_lt(self, children: Children) -> Children:
        return children

    relation_le = relation_gt = relation_ge = relation_eq = relation_ne = relation_in = relation_lt
    addition_add = addition_sub = relation_lt
    multiplication_mul = multiplication_div = multiplication_mod = relation_lt
    unary_not = unary_neg = relation_lt

    def unary(self, children: Children) -> Node:
        (operator,), operand = children
        at = operator.start_pos
        if str(operator) == "-" and isinstance(operand, Token) and operand.kind in ("INT", "DOUBLE"):
            # The sign belongs to the number: without it the least integer does not fit in 64 bits.
            if not operand.text.startswith("-"):
                return Token(operand.kind, "-" + operand.text, at)
            return Token(operand.kind, operand.text[1:], at)
        return Unary(str(operator), operand, at, _deep(at, operand))


def _field_name(token: Any) -> str:
    text = str(token)
    return text[1:-1] if text[0] == "`" else text


def _unexpected_character(source: str, at: int) -> str:
    character = source[at]
    if character in "\"'":
        return f"the text that begins here is not closed; end it with {character}"
    if character == "`":
        return "a back-quoted field name holds letters, digits, and _ . - / and spaces, and stands behind a dot"
    if character in "=|&":
        return f"{character!r} is no operator; write {character * 2!r}"
    return f"{character!r} means nothing here"


def _unexpected_end(source: str) -> str:
    opened = []
    pairs = {")": "(", "]": "[", "}": "{"}
    for character in source:
        if character in "([{":
            opened.append(character)
        elif character in pairs and opened and opened[-1] == pairs[character]:
            opened.pop()
    if not source.strip():
        return "the expression is empty; write '\"\"' for empty text"
    closing = {"(": ")", "[": "]", "{": "}"}
    return "the expression ends too early" + (f"; {closing[opened[-1]]!r} is missing" if opened else "")


def _unexpected_token(source: str, text: str, at: int) -> str:
    before = source[:at].rstrip()
    for word in (text, before.rsplit(maxsplit=1)[-1] if before else ""):
        if word in _PYTHON:
            return f"unexpected {_shown(text)}; write {_PYTHON[word]}"
    if before and (before[-1].isalnum() or before[-1] in "_)]}\"'`") and (text[0].isalnum() or text[0] in "_\"'"):
        return f"unexpected {_shown(text)}; an operator or a comma is missing before it"
    return f"unexpected {_shown(text)}"


def _shown(text: str) -> str:
    return repr(text if len(text) <= 30 else text[:27] + "…")
