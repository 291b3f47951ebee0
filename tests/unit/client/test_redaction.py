from __future__ import annotations

import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cloudfn.client.redaction import Redaction

SECRET = 'p+ss "wörd"/x'


@pytest.mark.parametrize(
    ("secrets", "text", "shown"),
    [
        ([SECRET], f"a {SECRET} b", "a *** b"),
        ([SECRET], f"a {quote(SECRET, safe='')} b", "a *** b"),
        ([SECRET], f"a {quote_plus(SECRET)} b", "a *** b"),
        ([SECRET], f"a {quote(SECRET)} b", "a *** b"),
        ([SECRET], f"a {json.dumps(SECRET)[1:-1]} b", "a *** b"),
        (["abc", "abcdef"], "abcdef abc", "*** ***"),
        ([""], "abc", "abc"),
    ],
    ids=["plain", "percent", "form", "path", "json", "a part of a longer one", "empty"],
)
def test_a_secret_is_hidden_in_every_form_in_which_it_travels(secrets: list[str], text: str, shown: str) -> None:
    assert Redaction(secrets).text(text) == shown


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://h/p?key=k1&x=1", "https://h/p?key=***&x=1"),
        ("https://h/p?x=1&key=", "https://h/p?x=1&key=***"),
        ("https://h/p?k%65y=k1", "https://h/p?k%65y=***"),
        ("https://h/p?key=a=b", "https://h/p?key=***"),
        ("https://h/p", "https://h/p"),
        ("https://h/p/s3cret/q", "https://h/p/***/q"),
    ],
)
def test_a_url_is_shown_without_its_key(url: str, expected: str) -> None:
    assert Redaction(["s3cret"], ["key"]).url(url) == expected


def test_an_excerpt_is_one_line_that_can_be_printed() -> None:
    assert Redaction([]).excerpt(b"a\r\n\tb\x1b[31m\x00c") == "a b·[31m·c"


def test_an_excerpt_is_cut_after_it_was_redacted() -> None:
    excerpt = Redaction(["s3cret"]).excerpt(b"x" * 497 + b"s3cret")

    assert "s3c" not in excerpt


def test_a_secret_at_the_edge_of_what_is_read_stays_hidden() -> None:
    content = (b" " * 3997) + b"s3cret-and-more"

    assert "s3c" not in Redaction(["s3cret-and-more"]).excerpt(content)


@pytest.mark.parametrize("charset", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_json_in_an_encoding_that_it_could_once_have_is_read_and_redacted(charset: str) -> None:
    content = '{"error": "s3cret-and-more"}'.encode(charset)

    assert Redaction(["s3cret-and-more"]).excerpt(content).removeprefix("\ufeff·") == '{"error": "***"}'


def test_the_longest_spelling_leaves_room_for_an_excerpt() -> None:
    assert len(Redaction(["k" * 3000]).excerpt(b"x" * 20_000)) == 501


def test_a_long_body_is_cut() -> None:
    assert Redaction([]).excerpt(b"x" * 10_000) == "x" * 500 + "…"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the service answered", "the service answered"),
        ('{"password": "er"}', '{"password": "***"}'),
        ("https://h/p?k=er&server=1", "https://h/p?k=***&server=1"),
        ("er", "***"),
        ("Bearer er.", "Bearer ***."),
        ("key_er", "key_***"),
    ],
)
def test_a_very_short_secret_is_hidden_where_it_stands_by_itself(text: str, expected: str) -> None:
    assert Redaction(["er"]).text(text) == expected


@given(st.text(min_size=4), st.text(), st.text())
def test_no_secret_survives(secret: str, before: str, after: str) -> None:
    if "*" in secret:
        return

    assert secret not in Redaction([secret]).text(before + secret + after)
