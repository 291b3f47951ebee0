"""Macros, and the scope of the variables that they introduce."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.exceptions import ExpressionError


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("[1, 2, 3].map(x, x * 2)", [2, 4, 6]),
        ("[1, 2, 3].map(x, x > 1, x * 2)", [4, 6]),
        ("[1, 2, 3].filter(x, x > 1)", [2, 3]),
        ("[1, 2].all(x, x > 0)", True),
        ("[].all(x, false)", True),
        ("[1, 2].exists(x, x > 1)", True),
        ("[].exists(x, true)", False),
        ("[1, 2, 2].existsOne(x, x == 2)", False),
        ("[1, 2].exists_one(x, x == 2)", True),
        ("[5, 6].exists(i, v, i == 1 && v == 6)", True),
        ("[5, 6].all(i, v, v == i + 5)", True),
        ("[5, 6].existsOne(i, v, i == 1)", True),
        ('{"a": 1}.all(k, v, k == "a" && v == 1)', True),
        ('{"a": 1, "b": 2}.map(k, k + "!")', ["a!", "b!"]),
        ('{"a": 1, "b": 2}.filter(k, k != "a")', ["b"]),
        ("[5, 6].transformList(i, v, v * 10 + i)", [50, 61]),
        ("[5, 6].transformList(i, v, i > 0, v)", [6]),
        ('{"a": 1}.transformList(k, v, k + string(v))', ["a1"]),
        ('{"a": 1, "b": 2}.transformMap(k, v, v * 2)', {"a": 2, "b": 4}),
        ('{"a": 1, "b": 2}.transformMap(k, v, k == "a", v)', {"a": 1}),
        ("[7].transformMap(i, v, v)", {0: 7}),
        ('["a", "b"].transformMapEntry(i, v, {v: i})', {"a": 0, "b": 1}),
        ('[{"n": 2}, {"n": 1}].sortBy(x, x.n)', [{"n": 1}, {"n": 2}]),
        ("cel.bind(x, 2, x * x)", 4),
        ("cel.bind(x, 2, cel.bind(y, x + 1, x * y))", 6),
        ("[[1, 2], [3]].map(x, x.map(x, x + 1))", [[2, 3], [4]]),
        ("[1, 2].map(x, [10, 20].map(y, x * y))", [[10, 20], [20, 40]]),
        ("[1].map(x, x) + [x]", [1, 100]),
        ("[1].map(x, .x + x)", [101]),
    ],
)
def test_a_macro_gives(source: str, expected: Any):
    assert cel.evaluate(source, {"x": 100}) == expected


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("[1].map(x)", "map() takes 2 or 3 arguments, got 1"),
        ("[1].map(1, 2)", "map() begins with the name of a variable"),
        ("[1].exists(a, a, true)", "the two variables of exists() need different names"),
        ("has(1)", "has() asks for a field"),
        ('has({}["a"])', "has() asks for a field"),
        ("cel.bind(x, 1)", "bind() takes 3 arguments, got 2"),
        ("1.all(x, true)", "all() goes through a list or a map, got int"),
        ("[1].filter(x, x)", "the condition of filter() must be bool, got int"),
        ('["a", "a"].transformMapEntry(i, v, {v: i})', "the map has this key twice"),
        ('[1, "a"].sortBy(x, x)', "only values of one type that has an order can be sorted, got int, string"),
    ],
)
def test_a_macro_says_what_it_needs(source: str, complaint: str):
    with pytest.raises(ExpressionError) as caught:
        cel.evaluate(source, {})
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("optional.of(1).orValue(2)", 1),
        ("optional.none().orValue(2)", 2),
        ("optional.of(1).orValue(1 / 0)", 1),
        ("optional.none().or(optional.of(2)).value()", 2),
        ("optional.of(2).optMap(x, x + 1).value()", 3),
        ("optional.none().optMap(x, 1 / 0).hasValue()", False),
        ("optional.of([1]).optFlatMap(x, x[?5]).hasValue()", False),
        ('optional.ofNonZeroValue("").hasValue()', False),
        ("optional.ofNonZeroValue(5).value()", 5),
        ("optional.unwrap([optional.of(1), optional.none()])", [1]),
        ("[optional.of(1), optional.none()].unwrapOpt()", [1]),
        ("optional.of(1) == optional.of(1.0)", True),
        ("optional.of(1) == 1", False),
        ('{?"a": optional.none(), "b": 1, ?"c": optional.of(2)}', {"b": 1, "c": 2}),
        ("[?optional.none(), 1, ?optional.of(2)]", [1, 2]),
        ('{?"a": {"x": 1}.?nope}', {}),
    ],
)
def test_optional_values(source: str, expected: Any):
    assert cel.evaluate(source, {}) == expected


@pytest.mark.parametrize(
    "source", ["optional.none().value()", '{?"a": 1}', "[?1]", "1.orValue(2)", "optional.none().or(1)"]
)
def test_what_needs_an_optional_says_so(source: str):
    with pytest.raises(ExpressionError, match="optional"):
        cel.evaluate(source, {})
