"""Literals: quotes, escapes, raw and bytes, and numbers that don't fit."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.cel.literals import plain_literal
from airflow_provider_cloudfn.cel.values import KIND
from airflow_provider_cloudfn.exceptions import ExpressionError

LITERALS = [
    ('"a"', "a"),
    ("'a'", "a"),
    ('""', ""),
    ('"""a"""', "a"),
    ("'''it's'''", "it's"),
    ('"""line 1\nline 2\r\nline 3"""', "line 1\nline 2\r\nline 3"),
    ('"""say "hi" to"""', 'say "hi" to'),
    (r'"\a\b\f\n\r\t\v\\\?\"\'\`"', "\a\b\f\n\r\t\v\\?\"'`"),
    (r'"\x41\X42\u0043\U00000044\105"', "ABCDE"),
    (r'"\U0001F431"', "🐱"),
    (r'r"\d+\n"', r"\d+\n"),
    (r"R'''\x'''", r"\x"),
    ('b"a\\xff\\377é"', b"a\xff\xff\xc3\xa9"),
    (r'br"\x"', rb"\x"),
    (r'rb"\x"', rb"\x"),
    ("12", 12),
    ("12u", cel.UInt(12)),
    ("1.5", 1.5),
    (".5", 0.5),
    ("1e3", 1000.0),
    ("1.5E-3", 0.0015),
    ("true", True),
    ("false", False),
    ("null", None),
]


@pytest.mark.parametrize(("source", "expected"), LITERALS)
def test_a_literal_alone_is_decoded_without_a_parser(source: str, expected: Any):
    assert plain_literal(f" {source} ") == (True, expected)


@pytest.mark.parametrize(("source", "expected"), LITERALS)
def test_a_literal_within_an_expression_has_the_same_value(source: str, expected: Any):
    result = cel.evaluate(f"[{source}][0]", {})
    assert (result, KIND[type(result)]) == (expected, KIND[type(expected)])


@pytest.mark.parametrize("source", ['"a" + "b"', "x", '"a".size()', '"a" "b"', "1 + 1", "-1", '"a', ""])
def test_what_is_more_or_less_than_a_literal_is_none(source: str):
    assert plain_literal(source) == (False, None)


@pytest.mark.parametrize(
    ("source", "column"),
    [
        (r'"a\q"', 3),
        (r'"\u12"', 2),
        (r'"\uD800"', 2),
        (r'"\U00110000"', 2),
        (r'b"\u0041"', 3),
        ("9223372036854775808", 1),
        ("-9223372036854775809", 1),
        ("18446744073709551616u", 1),
        ("0xfffffffffffffffff", 1),
        ('"a\nb"', 1),
        ('"a', 1),
        ("'''a''", 3),
    ],
)
def test_a_literal_without_a_value_is_an_error_at_its_place(source: str, column: int):
    with pytest.raises(ExpressionError) as caught:
        cel.compile(source, variables=())
    assert caught.value.problems[0].column == column
