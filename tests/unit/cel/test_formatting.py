"""Expressions in one style: what changes, and what never does."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit.cel_expressions import expressions, meaning

from airflow_provider_cloudfn.cel.formatting import formatted
from airflow_provider_cloudfn.cel.wording import wording, words
from airflow_provider_cloudfn.exceptions import ExpressionError

BLANKS = st.sampled_from([" ", "  ", "\n", "\t", " // why\n", "\n// own line\n", "// tight\n//two\n"])


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a+b*- c", "a + b * -c"),
        ("a&&!b||c", "a && !b || c"),
        ("x in[1,2]", "x in [1, 2]"),
        ("a?b:c", "a ? b : c"),
        ('{"a":1,?"b":c}', '{"a": 1, ?"b": c}'),
        ("f( a,b ) [ 0 ] . c", "f(a, b)[0].c"),
        ('a.?b[? "c" ]', 'a.?b[?"c"]'),
        ("[ ?a , b , ]", "[?a, b,]"),
        ("a.`b-c` == .d", "a.`b-c` == .d"),
        ("Name { x:1,y : 2 }", "Name{x: 1, y: 2}"),
        ("  a  ", "a"),
        ('{{"a":"b"}["a"]:{1:{}}}', '{ {"a": "b"}["a"]: {1: {}}}'),
        ("[{\n{}:1}]", "[{ {}: 1}]"),
    ],
)
def test_blanks_follow_one_style(source: str, expected: str) -> None:
    assert formatted(source) == expected


@pytest.mark.parametrize(
    "source",
    ["0x1F + 1.50e3 + 7u", r'"a\u00e9\n" + r"\d" + b"\x00"', "'it' + \"is\"", "(a && b) || c", "(a)", "-(5)", "f((a))"],
)
def test_digits_escapes_quotes_and_single_parentheses_stay(source: str) -> None:
    assert formatted(source) == source


def test_doubled_parentheses_become_one_pair() -> None:
    assert formatted("(((a)) + ((b)))") == "((a) + (b))"


def test_what_fits_in_the_line_stays_in_it() -> None:
    source = "steps.a.id + steps.b.id"

    assert formatted(source, len(source)) == source
    assert formatted(source, len(source) - 1) == "steps.a.id\n+ steps.b.id"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('{"amount": steps.fetch.total, "who": 1}', '{\n    "amount": steps.fetch.total,\n    "who": 1\n}'),
        ("is_good ? something.long : another.one", "is_good\n    ? something.long\n    : another.one"),
        (
            "aaaaaaaaaaaaaa || bbbbbbbbbbbbbbbbb && cccccccccc",
            "aaaaaaaaaaaaaa\n|| bbbbbbbbbbbbbbbbb\n    && cccccccccc",
        ),
        ("response.body.items.map(x, x.identifier)", "response.body.items.map(\n    x,\n    x.identifier\n)"),
    ],
)
def test_what_is_wider_is_broken_in_brackets_and_before_operators(source: str, expected: str) -> None:
    assert formatted(source, 30) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a // why", "a  // why"),
        ("// first\na+b", "// first\na + b"),
        ("[1, // one\n// two\n2]", "[\n    1,  // one\n    // two\n    2\n]"),
        ("a // x\n+ b", "a  // x\n+ b"),
    ],
)
def test_comments_stay_behind_or_above_their_words(source: str, expected: str) -> None:
    assert formatted(source, 80) == expected


def test_a_text_of_several_lines_stays_as_it_is() -> None:
    assert formatted("{'k':'''a\n  b'''}", 80) == "{\n    'k': '''a\n  b'''\n}"


def test_what_is_no_expression_is_an_error_with_its_place() -> None:
    with pytest.raises(ExpressionError) as raised:
        formatted("a +\n+ b")

    assert (raised.value.problems[0].line, raised.value.problems[0].column) == (2, 1)


def test_a_chain_of_any_length_is_formatted() -> None:
    assert formatted("||".join(["a"] * 5_000), 80).count("\n|| a") == 4_999


@given(expressions(), st.data(), st.sampled_from([None, 1, 20, 80]))
def test_meaning_words_and_comments_are_the_same_and_twice_is_once(
    source: str, data: st.DataObject, width: int
) -> None:
    spelled = "".join(data.draw(BLANKS) + word.text for word in words(wording(source).root)) + data.draw(BLANKS)

    result = formatted(spelled, width)

    assert meaning(result) == meaning(source)
    assert re.findall("//.*", result) == re.findall("//.*", spelled)
    assert formatted(result, width) == result
