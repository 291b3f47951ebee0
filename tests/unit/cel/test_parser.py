"""The parser, against Lark on the same grammar: the same trees, and the same sources refused."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import lark
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from kit import cel_grammar as grammar

from airflow_provider_cloudfn.cel.parser import SourceError, parse
from airflow_provider_cloudfn.cel.tree_builder import Lexeme, TreeBuilder

#: Pieces of which sources are made that are expressions often enough, and nearly expressions otherwise.
PIECES = [
    *(
        "a",
        "b.c",
        "inputs",
        "in",
        "true",
        "null",
        "1",
        "-1",
        "2.5",
        ".5",
        "7u",
        "0xFF",
        '"text"',
        "r'raw'",
        'b"x"',
        '"""t"""',
    ),
    *("+", "-", "*", "/", "%", "!", "<", "<=", ">", ">=", "==", "!=", "&&", "||", "?", ":", ",", ".", ".?", "[?", "{?"),
    *("(", ")", "[", "]", "{", "}", "f(", "a.f(", ".f(", ".x", "`a-b`", " ", "\n", "// comment\n", "=", '"', "é"),
]


class ForLark:
    """The tree's builder as Lark calls it, with tokens of its own."""

    def __getattr__(self, rule: str) -> Any:
        build = getattr(TreeBuilder(), rule)
        return lambda children: build([_lexeme(child) for child in children])


def _lexeme(child: Any) -> Any:
    return Lexeme(child.type, str(child), child.start_pos) if isinstance(child, lark.Token) else child


@cache
def reference() -> Any:
    return grammar.build(ForLark())


def shape(node: Any) -> Any:
    """Return a tree as plain values, with the place and depth of each node."""
    if isinstance(node, list):
        return [shape(part) for part in node]
    fields = getattr(node, "__struct_fields__", None)
    return (type(node).__name__, *(shape(getattr(node, name)) for name in fields)) if fields else node


def by_lark(source: str) -> Any:
    try:
        return shape(reference().parse(source))
    except (lark.exceptions.UnexpectedInput, SourceError):
        return None


def by_us(source: str) -> Any:
    try:
        return shape(parse(source))
    except SourceError:
        return None


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
@example("[[1, ?a], {?'k': b, 'l': c,},]")
@example("a.b(c, d, e)(f)")
@example("f(a)(b)")
@settings(max_examples=1_000, deadline=None)
def test_what_it_makes_of_any_source_is_what_lark_makes_of_it(source: str):
    # Lark takes the word `inputs` for the operator `in` where an operator can stand; here an operator is a whole word.
    if not re.search(r"\bin\w|\d\w*in\w", source):
        assert by_us(source) == by_lark(source)


@pytest.mark.parametrize(
    ("source", "at"), [("a inputs", 2), ("a in2", 2), ("1 in[1]x", 7), ("a .5", 3), ("a ~ b", 2), ("a b", 2)]
)
def test_a_source_is_refused_where_it_goes_wrong(source: str, at: int):
    with pytest.raises(SourceError) as caught:
        parse(source)
    assert caught.value.at == at


@pytest.mark.parametrize("tail", [" §", " 'open", " )"])
@pytest.mark.timeout(30)
def test_white_space_before_what_means_nothing_is_tried_once(tail: str):
    assert by_us("a" + " \n// c\n" * 20_000 + tail) is None


def test_a_long_list_of_arguments_is_one_list():
    tree: Any = parse("f(" + ", ".join(["1"] * 3_000) + ")")
    assert len(tree.arguments) == 3_000
