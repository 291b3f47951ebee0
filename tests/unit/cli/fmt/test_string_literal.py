"""Texts as Python literals: whatever the quotes, what Python reads is the text."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cloudfn.cli.fmt.string_literal import StringLiteral

TEXTS = st.text(max_size=30) | st.text("'\"\\\n\r\t ar\ud800é", max_size=30)
STYLES = st.builds(
    StringLiteral,
    st.sampled_from(["", "r", "R", "u"]),
    st.sampled_from(["'", '"', "'''", '"""']),
    st.booleans(),
    st.booleans(),
)


@given(TEXTS, STYLES)
def test_python_reads_the_text_that_was_written(text: str, style: StringLiteral) -> None:
    assert ast.literal_eval(style.source_of(text)) == text


@given(st.lists(TEXTS, min_size=1, max_size=4), STYLES)
def test_several_literals_in_a_row_are_their_texts_in_a_row(texts: list[str], style: StringLiteral) -> None:
    sources = style.sources_of(texts)

    assert ast.literal_eval(f"({' '.join(sources)})") == "".join(texts)
    assert len({source[0] for source in sources}) == 1


@pytest.mark.parametrize(
    ("style", "text", "expected"),
    [
        ("'a'", "b", "'b'"),
        ("'a'", "it's", '"it\'s"'),
        ('"a"', '"it\'s"', "'\"it\\'s\"'"),
        ('"a"', '"b"', "'\"b\"'"),
        ('r"a"', r"\d", r'r"\d"'),
        ('"a"', r"\d", r'"\\d"'),
        ('"a"', "é", r'"\xe9"'),
        ('"é"', "é", '"é"'),
        ('"""a"""', 'b"', "'''b\"'''"),
        ("'a' 'b'", "c", "'c'"),
    ],
)
def test_quotes_stay_unless_others_need_fewer_escapes(style: str, text: str, expected: str) -> None:
    read = StringLiteral.read(style)

    assert read is not None
    assert read.source_of(text) == expected


def test_a_comment_between_literals_would_be_lost() -> None:
    assert StringLiteral.read("'a'  # why\n'b'") is None
