"""
From source text to syntax tree: an LALR parser over the saved tables, and what a syntax error says.

The tables are those that Lark makes of the grammar. They are followed here rather than by Lark, because expressions are
parsed whenever a Dag file is: Lark takes several times as long for each, and as long as 60 expressions to be imported.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn.cel.foreign import foreign_at
from airflow_provider_cloudfn.cel.tables import END, Rule, Tables, load
from airflow_provider_cloudfn.cel.tree_builder import Lexeme, SourceError, TreeBuilder

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_cloudfn.cel.syntax import Node

__all__ = ["Parser", "SourceError", "parse"]


def parse(source: str) -> Node:
    """
    Parse an expression.

    :raises SourceError: when it is none.
    """
    tree: Node = _parser().parse(source)
    return tree


_lock: Final = threading.Lock()
_loaded: Parser | None = None


def _parser() -> Parser:
    global _loaded
    if _loaded is None:
        with _lock:
            if _loaded is None:
                _loaded = Parser(load(), TreeBuilder())
    return _loaded


class Parser:
    """
    A parser, which many threads can use at once.

    :param builder: What makes a node of each rule: its method of the rule's name gets the rule's children.
    """

    def __init__(self, tables: Tables, builder: object) -> None:
        self._tables = tables
        self._scans = tuple(tables.scanners[0 if value else 1].match for value in tables.expects_value)
        self._reductions = tuple(_reduction(rule, builder) for rule in tables.rules)
        # A name goes up through all levels of precedence until it is an expression: the way up is remembered.
        self._climbed: dict[tuple[int, int, int], int] = {}

    def parse(self, source: str) -> Any:
        """
        Return what the builder makes of an expression.

        :raises SourceError: when it is none.
        """
        scans, actions, gotos = self._scans, self._tables.actions, self._tables.gotos
        rules, reductions, climbed = self._tables.rules, self._reductions, self._climbed
        names, end = self._tables.terminals, self._tables.end
        states: list[int] = [0]
        values: list[Any] = []
        state = at = 0
        while True:
            match = scans[state](source, at)
            if match is None or (group := match.lastindex) is None:
                raise self._nothing_matches(source, at, state)
            terminal = group - 1
            while (action := actions[state].get(terminal, -1 - len(rules))) < 0:
                number = -1 - action
                if number == len(rules):
                    raise _unexpected(source, names[terminal], match[group], match.start(group))
                rule = rules[number]
                if rule.is_unit:
                    way = (states[-2], state, terminal)
                    state = climbed.get(way) or self._climb(way)
                    states[-1] = state
                else:
                    size = rule.size
                    values[-size:] = (reductions[number](values[-size:]),)
                    del states[-size:]
                    state = gotos[states[-1]][rule.result]
                    states.append(state)
            if action == end:
                return values[0]
            state = action
            states.append(state)
            values.append(Lexeme(names[terminal], match[group], match.start(group)))
            at = match.end()

    def _climb(self, way: tuple[int, int, int]) -> int:
        """Return the state that is reached from one by the rules that leave their one child as it is."""
        below, state, terminal = way
        while (action := self._tables.actions[state].get(terminal, 0)) < 0:
            rule = self._tables.rules[-1 - action]
            if not rule.is_unit:
                break
            state = self._tables.gotos[below][rule.result]
        self._climbed[way] = state
        return state

    def _nothing_matches(self, source: str, at: int, state: int) -> SourceError:
        """Return the error of a source in which nothing stands that a state can do with."""
        value, operator = (scanner.match(source, at) for scanner in self._tables.scanners)
        other = operator if self._tables.expects_value[state] else value
        if other is not None and other.lastindex is not None:
            text = other[other.lastindex]
            return _unexpected(source, self._tables.terminals[other.lastindex - 1], text, other.start(other.lastindex))
        blank = self._tables.blank.match(source, at)
        at = at if blank is None else blank.end()
        return SourceError(*(foreign_at(source, at) or (_unexpected_character(source, at), at)))


def _reduction(rule: Rule, builder: object) -> Callable[[list[Any]], Any]:
    """Return what makes one value of those that a rule is made of."""
    build: Callable[[list[Any]], Any] | None = None if rule.name[0] == "_" else getattr(builder, rule.name, None)
    kept, spliced = rule.kept, rule.spliced

    def children(given: list[Any]) -> list[Any]:
        if not spliced:
            return [given[position] for position in kept]
        # What comes first is its own list, which nobody else has: long lists are not copied for each element.
        first = kept[0]
        found: list[Any] = given[first] if first in spliced else [given[first]]
        for position in kept[1:]:
            found.extend(given[position]) if position in spliced else found.append(given[position])
        return found

    if len(kept) == rule.size and not spliced:
        return build or list
    if build is None:
        return children
    made = build
    return lambda given: made(children(given))


def _unexpected(source: str, terminal: str, text: str, at: int) -> SourceError:
    if (foreign := foreign_at(source, at)) is not None:
        return SourceError(*foreign)
    if terminal == END:
        return SourceError(_unexpected_end(source), len(source.rstrip()))
    return SourceError(_unexpected_token(source, text, at), at)


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
    if before and (before[-1].isalnum() or before[-1] in "_)]}\"'`") and (text[0].isalnum() or text[0] in "_\"'"):
        return f"unexpected {_shown(text)}; an operator or a comma is missing before it"
    return f"unexpected {_shown(text)}"


def _shown(text: str) -> str:
    return repr(text if len(text) <= 30 else text[:27] + "…")
