"""The strings library."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("'abc'.charAt(1)", "b"),
        ("'abc'.charAt(3)", ""),
        ("'añb'.indexOf('b')", 2),
        ("'abcabc'.indexOf('c', 3)", 5),
        ("'abc'.indexOf('z')", -1),
        ("'abc'.indexOf('')", 0),
        ("'abcabc'.lastIndexOf('a')", 3),
        ("'abcabc'.lastIndexOf('a', 2)", 0),
        ("'abc'.lastIndexOf('')", 3),
        ("'ÀbC'.lowerAscii()", "Àbc"),
        ("'àbC'.upperAscii()", "àBC"),
        ("'  a\\u00a0'.trim()", "a"),
        ("'\\u001ca'.trim()", "\x1ca"),
        ("'abc'.reverse()", "cba"),
        ("'abc'.substring(1)", "bc"),
        ("'abc'.substring(1, 2)", "b"),
        ("'abc'.substring(3)", ""),
        ("'aXbXc'.replace('X', '-')", "a-b-c"),
        ("'aXbXc'.replace('X', '-', 1)", "a-bXc"),
        ("'aXb'.replace('X', '-', 0)", "aXb"),
        ("'ab'.replace('', '-')", "-a-b-"),
        ("'a,b,c'.split(',')", ["a", "b", "c"]),
        ("'a,b,c'.split(',', 2)", ["a", "b,c"]),
        ("'a,b,c'.split(',', 0)", []),
        ("'a,b,c'.split(',', -1)", ["a", "b", "c"]),
        ("'abc'.split('')", ["a", "b", "c"]),
        ("'abc'.split('', 2)", ["a", "bc"]),
        ("''.split('')", []),
        ("''.split(',')", [""]),
        ("['a', 'b'].join()", "ab"),
        ("['a', 'b'].join('-')", "a-b"),
        ("[].join('-')", ""),
        ("strings.quote('a\"\\n')", '"a\\"\\n"'),
        ("'abc'.contains('b') && 'abc'.startsWith('a') && 'abc'.endsWith('c')", True),
        ("size('añ') + 'añ'.size()", 4),
    ],
)
def test_a_call_gives(source, expected, gives):
    gives(source, expected)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("'abc'.charAt(4)", "the position is out of range: the text has 3 characters"),
        ("'abc'.charAt(-1)", "out of range"),
        ("'abc'.indexOf('a', 9)", "out of range"),
        ("'abc'.substring(2, 1)", "begins after its end"),
        ("'abc'.substring(0, 9)", "out of range"),
        ("[1].join()", "join() joins strings"),
        ("1.trim()", "trim() can't be applied to (int)"),
        ("'a'.split(1)", "it takes (string, string)"),
    ],
)
def test_a_call_says_what_it_needs(source, said, fails):
    fails(source, said)
