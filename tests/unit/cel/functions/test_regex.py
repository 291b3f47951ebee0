"""Regular expressions, on RE2."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("'abc'.matches('b.')", True),
        ("matches('abc', '^b')", False),
        ("'日本'.matches('^..$')", True),
        ("regex.extract('order-42', '[0-9]+').value()", "42"),
        ("regex.extract('order-42', 'order-([0-9]+)').value()", "42"),
        ("regex.extract('order', '[0-9]+').hasValue()", False),
        ("regex.extractAll('a1b22', '[0-9]+')", ["1", "22"]),
        ("regex.extractAll('a1b22', '([a-z])[0-9]')", ["a", "b"]),
        ("regex.extractAll('é1', '[0-9]')", ["1"]),
        ("regex.replace('a1b2', '[0-9]', '#')", "a#b#"),
        ("regex.replace('a1b2', '[0-9]', '#', 1)", "a#b2"),
        ("regex.replace('a1b2', '[0-9]', '#', 0)", "a1b2"),
        ("regex.replace('ab', '(a)(b)', r'\\2\\1\\0')", "baab"),
        ("regex.replace('ab', 'b', r'\\\\')", "a\\"),
    ],
)
def test_a_call_gives(source, expected, gives):
    gives(source, expected)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("'a'.matches('(')", "no regular expression of RE2"),
        ("'a'.matches('(?=a)')", "no regular expression of RE2"),
        ("'a'.matches('(a{1000}){1000}')", "too large"),
        ("regex.extract('ab', '(a)(b)')", "more than one group"),
        ("regex.replace('a', 'a', r'\\1')", "of which the pattern has 0"),
        ("regex.replace('a', 'a', r'\\x')", "a backslash in a replacement"),
    ],
)
def test_a_call_says_what_it_needs(source, said, fails):
    fails(source, said)
