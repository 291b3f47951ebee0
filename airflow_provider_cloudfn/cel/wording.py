"""
An expression as it is written: every word of it, in the order of the grammar's rules, and the comments between them.

The syntax tree of :mod:`syntax` says what an expression means, and leaves out what means nothing: parentheses, commas, comments.
Whoever writes an expression anew needs these too.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from msgspec import Struct

from airflow_provider_cloudfn.cel.parser import Parser
from airflow_provider_cloudfn.cel.tables import load
from airflow_provider_cloudfn.cel.tree_builder import Lexeme

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["CHAINS", "LISTS", "Comment", "Part", "Phrase", "Wording", "wording", "words"]

#: Operands with operators between them; a long chain is one phrase.
CHAINS: Final = frozenset({"conditionalor", "conditionaland", "relation", "addition", "multiplication"})
#: What stands between brackets, with commas between.
LISTS: Final = frozenset({"exprlist", "listitems", "mapinits", "fieldinits"})

_COMMENT: Final = re.compile(r"//.*")


class Comment(NamedTuple):
    """
    A comment.

    :param text: The comment, with its slashes.
    :param is_behind: Whether it stands in the line of the word before it, and not in one of its own.
    """

    text: str
    is_behind: bool


class Phrase(Struct, frozen=True):
    """What a rule of the grammar is made of."""

    rule: str
    parts: list[Part]


Part: TypeAlias = Lexeme | Phrase


class Wording(Struct, frozen=True):
    """
    An expression as it is written.

    :param root: All of it.
    :param comments: The comments before each word, by the word's place.
    :param last: The comments behind the last word.
    """

    root: Part
    comments: dict[int, list[Comment]]
    last: list[Comment]


def wording(source: str) -> Wording:
    """
    Return how an expression is written.

    :param source: An expression that can be parsed.
    :raises SourceError: when it can't.
    """
    root: Part = _parser().parse(source)
    comments: dict[int, list[Comment]] = {}
    end = 0
    for word in words(root):
        if found := _comments(source[end : word.at], is_first=not end):
            comments[word.at] = found
        end = word.at + len(word.text)
    return Wording(_without_doubled(root, comments), comments, _comments(source[end:], is_first=False))


def words(part: Part) -> Iterator[Lexeme]:
    """Yield the words of a part, in their order."""
    if isinstance(part, Lexeme):
        yield part
        return
    for one in part.parts:
        yield from words(one)


def _comments(gap: str, *, is_first: bool) -> list[Comment]:
    """Return the comments between two words; before the first there is none to stand behind."""
    return [
        Comment(found.group().rstrip(), not is_first and "\n" not in gap[: found.start()])
        for found in _COMMENT.finditer(gap)
    ]


def _without_doubled(part: Part, comments: dict[int, list[Comment]]) -> Part:
    """Leave out parentheses right inside of others, which neither mean nor show anything."""
    if isinstance(part, Lexeme):
        return part
    if part.rule == "paren_expr" and isinstance(inner := part.parts[1], Phrase) and inner.rule == "paren_expr":
        edges = [inner.parts[0], part.parts[2]]
        if not any(isinstance(edge, Lexeme) and edge.at in comments for edge in edges):
            return _without_doubled(Phrase(part.rule, [part.parts[0], inner.parts[1], inner.parts[2]]), comments)
    return Phrase(part.rule, [_without_doubled(one, comments) for one in part.parts])


class _Phrases:
    """Makes a phrase of each rule."""

    def __getattr__(self, rule: str) -> Callable[[list[Part]], Part]:
        def phrase(parts: list[Part]) -> Part:
            first = parts[0]
            if isinstance(first, Phrase):
                # An operator comes with its left operand, or, as a sign, alone; and what is left-recursive is one chain,
                # however long.
                is_operator = first.rule.startswith(f"{rule}_") and rule in (*CHAINS, "unary")
                if is_operator:
                    parts = [*first.parts, *parts[1:]]
                    first = parts[0]
                if rule in CHAINS | LISTS and isinstance(first, Phrase) and first.rule == rule:
                    first.parts.extend(parts[1:])
                    return first
            return Phrase(rule, parts)

        return phrase


@lru_cache(maxsize=1)
def _parser() -> Parser:
    tables = load()
    whole = tuple(rule._replace(kept=tuple(range(rule.size))) for rule in tables.rules)
    return Parser(tables._replace(rules=whole), _Phrases())
