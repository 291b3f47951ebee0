"""The lists and sets libraries."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("[1, 1.0, 'a', 'a', [1], [1.0], true, 1u].distinct()", [1, "a", [1], True]),
        ("[1, [2, [3]]].flatten()", [1, 2, [3]]),
        ("[1, [2, [3]]].flatten(2)", [1, 2, 3]),
        ("[1, [2]].flatten(0)", [1, [2]]),
        ("[3, 1, 2].sort()", [1, 2, 3]),
        ("['b', 'a'].sort()", ["a", "b"]),
        ("[].sort()", []),
        ("[timestamp(5), timestamp(0)].sort()[0] == timestamp(0)", True),
        ("[{'a': 2, 'b': 1}, {'a': 1, 'b': 2}].sortBy(x, x.a).map(x, x.b)", [2, 1]),
        ("[1, 2, 3].slice(1, 3)", [2, 3]),
        ("[1].slice(0, 0)", []),
        ("[1, 2].reverse()", [2, 1]),
        ("[1, 2, 3].sum()", 6),
        ("[1.5, 2.0].sum()", 3.5),
        ("[10, 10.5, 3].sum()", 23.5),
        ("[0.5, 1, 2].sum()", 3.5),
        ("double([1, 2].sum()) / double(size([1, 2]))", 1.5),
        ("[10.5, 10, 9u].sort()", [9, 10, 10.5]),
        ("[{'n': 2}, {'n': 1.5}].sortBy(x, x.n).map(x, x.n)", [1.5, 2]),
        ("[].sum()", 0),
        ("[duration('1m'), duration('1s')].sum() == duration('61s')", True),
        ("lists.range(3)", [0, 1, 2]),
        ("lists.range(-1)", []),
        ("[1, 2].first().value()", 1),
        ("[1, 2].last().value()", 2),
        ("[].first().orValue('none')", "none"),
        ("sets.contains([1, 2, 3], [2.0, 1u])", True),
        ("sets.contains([], [])", True),
        ("sets.contains([1], [2])", False),
        ("sets.equivalent([1, 1, 2], [2, 1.0])", True),
        ("sets.equivalent([1], [1, 2])", False),
        ("sets.intersects([1, 2], [2, 3])", True),
        ("sets.intersects([1], [])", False),
    ],
)
def test_a_call_gives(source, expected, gives):
    gives(source, expected)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("[1, 'a'].sort()", "only values of one type that has an order can be sorted, got int, string"),
        ("[[1], [2]].sort()", "got list"),
        ("[0.0 / 0.0].sort()", "NaN has no place"),
        ("[1, 0.0 / 0.0].sort()", "NaN has no place"),
        ("[1, true].sort()", "got bool, int"),
        ("[1, 2u].sum()", "'+' can't be applied to (int, uint)"),
        ("[1].flatten(-1)", "a depth of 0 or more"),
        ("[1].slice(0, 2)", "out of range in a list of 1 elements"),
        ("[1].slice(1, 0)", "out of range"),
        ("sets.contains(1, [1])", "can't be applied to (int, list)"),
    ],
)
def test_a_call_says_what_it_needs(source, said, fails):
    fails(source, said)
