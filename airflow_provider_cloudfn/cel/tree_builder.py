"""From rules to syntax tree: what becomes of each rule of the grammar."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias, cast

from airflow_provider_cloudfn.cel import syntax
from airflow_provider_cloudfn.cel.limits import MAX_NESTING
from airflow_provider_cloudfn.cel.literals import CONSTANTS

__all__ = ["Lexeme", "SourceError", "TreeBuilder"]

Children: TypeAlias = list[Any]


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

    def literal(self, children: Children) -> syntax.Node:
        """Build a number, a string or bytes."""
        token = children[0]
        return syntax.Token(token.terminal, token.text, at=token.at)

    def ident(self, children: Children) -> syntax.Node:
        """``name``, or one of the constants."""
        name, at = children[0].text, children[0].at
        return syntax.Constant(CONSTANTS[name], at=at) if name in CONSTANTS else syntax.Identifier(name, at=at)

    def dot_ident(self, children: Children) -> syntax.Node:
        """``.name``."""
        return syntax.Identifier(children[0].text, root=True, at=children[0].at)

    def ident_arg(self, children: Children) -> syntax.Node:
        """``name(…)`` and ``.name(…)``."""
        name, *arguments = children
        operands = arguments[0] if arguments else []
        return syntax.Call(name.text, None, operands, at=name.at, depth=_deep(name.at, *operands))

    dot_ident_arg = ident_arg

    def paren_expr(self, children: Children) -> syntax.Node:
        """``(node)``."""
        node = children[0]
        node.depth = _deep(node.at, node)
        return cast("syntax.Node", node)

    def exprlist(self, children: Children) -> list[syntax.Node]:
        """Keep what is between the parentheses of a call or the braces of a message."""
        return children

    fieldinits = exprlist

    def listitems(self, children: Children) -> Children:
        """Gather what is between the brackets of a list, one part after the other."""
        if len(children) == 1:
            return children
        children[0].append(children[1])
        return cast("Children", children[0])

    mapinits = listitems

    # member

    def member_dot(self, children: Children) -> syntax.Node:
        """``operand.field``."""
        operand, field = children[0], children[-1]
        return syntax.Select(operand, _field_name(field), at=field.at, depth=_deep(field.at, operand))

    def member_opt_dot(self, children: Children) -> syntax.Node:
        """``operand.?field``."""
        operand, field = children[0], children[-1]
        return syntax.Select(operand, _field_name(field), optional=True, at=field.at, depth=_deep(field.at, operand))

    def member_dot_arg(self, children: Children) -> syntax.Node:
        """``target.name(…)``."""
        target, _, name, _, *rest = children
        arguments = rest[0] if len(rest) == 2 else []
        return syntax.Call(name.text, target, arguments, at=name.at, depth=_deep(name.at, target, *arguments))

    def member_index(self, children: Children) -> syntax.Node:
        """``operand[key]``."""
        operand, bracket, key, _ = children
        return syntax.Index(operand, key, at=bracket.at, depth=_deep(bracket.at, operand, key))

    def member_opt_index(self, children: Children) -> syntax.Node:
        """``operand[?key]``."""
        operand, bracket, _, key, _ = children
        return syntax.Index(operand, key, optional=True, at=bracket.at, depth=_deep(bracket.at, operand, key))

    def member_object(self, children: Children) -> syntax.Node:
        """``Name{…}``."""
        return syntax.Message(at=children[0].at)

    # displays

    def opt_item(self, children: Children) -> syntax.Item:
        """``?value`` in a list."""
        return syntax.Item(children[0], optional=True, at=children[0].at, depth=children[0].depth)

    def list_lit(self, children: Children) -> syntax.Node:
        """``[…]``."""
        at = children[0].at
        given = children[1] if len(children) > 2 else []
        items = [
            item if isinstance(item, syntax.Item) else syntax.Item(item, at=item.at, depth=item.depth) for item in given
        ]
        return syntax.ListDisplay(items, at=at, depth=_deep(at, *items))

    def entry(self, children: Children) -> syntax.Entry:
        """``key: value``."""
        key, _, value = children
        return syntax.Entry(key, value, at=key.at, depth=max(key.depth, value.depth))

    def opt_entry(self, children: Children) -> syntax.Entry:
        """``?key: value``."""
        _, key, _, value = children
        return syntax.Entry(key, value, optional=True, at=key.at, depth=max(key.depth, value.depth))

    def map_lit(self, children: Children) -> syntax.Node:
        """``{…}``."""
        at = children[0].at
        entries = children[1] if len(children) > 2 else []
        return syntax.MapDisplay(entries, at=at, depth=_deep(at, *entries))

    # operators

    def expr(self, children: Children) -> syntax.Node:
        """``condition ? yes : no``."""
        condition, mark, yes, _, no = children
        return syntax.Conditional(condition, yes, no, at=mark.at, depth=_deep(mark.at, condition, yes, no))

    def conditionalor(self, children: Children) -> syntax.Node:
        """``left || right`` and ``left && right``."""
        left, operator, right = children
        at = operator.at
        if isinstance(left, syntax.Logical) and left.operator == operator.text:
            left.operands.append(right)  # a long chain is one node, however long
            left.depth = max(left.depth, _deep(at, right))
            return left
        return syntax.Logical(operator.text, [left, right], at=at, depth=_deep(at, left, right))

    conditionaland = conditionalor

    def relation(self, children: Children) -> syntax.Node:
        """``left operator right``."""
        (left, operator), right = children
        return syntax.Binary(operator.text, left, right, at=operator.at, depth=_deep(operator.at, left, right))

    addition = multiplication = relation

    def relation_lt(self, children: Children) -> Children:
        """``left operator``, or the sign alone: what comes after it makes the node."""
        return children

    relation_le = relation_gt = relation_ge = relation_eq = relation_ne = relation_in = relation_lt
    addition_add = addition_sub = relation_lt
    multiplication_mul = multiplication_div = multiplication_mod = relation_lt
    unary_not = unary_neg = relation_lt

    def unary(self, children: Children) -> syntax.Node:
        """``!operand`` and ``-operand``."""
        (operator,), operand = children
        at = operator.at
        if operator.text == "-" and isinstance(operand, syntax.Token) and operand.kind in ("INT", "DOUBLE"):
            # The sign belongs to the number: without it the least integer does not fit in 64 bits.
            text = operand.text
            return syntax.Token(operand.kind, text[1:] if text.startswith("-") else f"-{text}", at=at)
        return syntax.Unary(operator.text, operand, at=at, depth=_deep(at, operand))


def _field_name(token: Lexeme) -> str:
    text = token.text
    return text[1:-1] if text[0] == "`" else text
