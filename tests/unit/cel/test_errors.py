"""Errors of evaluation: where, which path, which types, and never which value."""

from __future__ import annotations

import pytest

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.exceptions import ExpressionError

SECRET = "s3cr3t-value"
VALUES = {
    "x": {
        "text": SECRET,
        "number": 4711,
        "null": None,
        "list": [4711],
        "map": {SECRET: SECRET},
        "bytes": b"\xff" + SECRET.encode(),
    },
}


@pytest.mark.parametrize(
    ("source", "line", "column", "said"),
    [
        ("x.text + 1", 1, 8, "'+' can't be applied to (string, int); turn the other side into text with string(…)"),
        ("1 +\n x.number +\n 1.0", 2, 11, "'+' can't be applied to (int, double)"),
        ("x.nope", 1, 3, "no such key: 'nope' in x"),
        ("x.map.nope.deep", 1, 7, "no such key: 'nope' in x.map"),
        ("x.null.id", 1, 8, "x.null is null, so it has no field 'id'"),
        ("x.number.id", 1, 10, "x.number is of type int, which has no field 'id'"),
        ("x.list[-1]", 1, 7, "x.list of 1 elements; from the end it is counted as x[size(x) - 1], or x.last()"),
        ("x.list.length", 1, 8, "x.list is of type list, which has no field 'length'; write size(x)"),
        ("'a' in 'abc'", 1, 5, "'in' can't be applied to (string, string); write text.contains(part)"),
        ("x.list[5]", 1, 7, "the index is out of range in x.list of 1 elements"),
        ("x.list[x.text]", 1, 7, "x.list is indexed by string; an index is an int"),
        ("x.map[x.list[0] == 1 ? '' : x.text + 'y']", 1, 6, "no such key of type string in x.map"),
        ("x.text.split(1)", 1, 8, "split() can't be applied to (string, int)"),
        ("x.list.map(i, i.id)", 1, 17, "i is of type int, which has no field 'id'"),
        ("int(x.text)", 1, 1, "int() needs the decimal digits"),
        ("timestamp(x.text)", 1, 1, "RFC 3339"),
        ("x.text ? 1 : 2", 1, 8, "must be bool, got string"),
        ("x.text && true", 1, 8, "'&&' needs bool on both sides, got string"),
        ("string(x.bytes)", 1, 1, "no text in UTF-8"),
        ("x.text.matches('(')", 1, 8, "no regular expression"),
        ("'a'.matches(x.text + '(')", 1, 5, "no regular expression"),
        ("[{x.text: 1}].map(m, {x.text: 1, x.text: 2})", 1, 36, "twice"),
        ("json.decode(x.text)", 1, 6, "not JSON"),
        ("x.text.substring(x.number)", 1, 8, "out of range"),
        ("base64.decode(x.text + '!')", 1, 8, "not base64"),
        ("json.encode(x.map.transformMap(k, v, 1.0 / 0.0).map(k, 0.0 / 0.0))", 1, 6, "NaN"),
    ],
)
def test_an_error_gives_place_path_and_types_but_no_value(source: str, line: int, column: int, said: str):
    with pytest.raises(ExpressionError) as caught:
        cel.compile(source, variables=VALUES).evaluate(VALUES)
    (problem,) = caught.value.problems
    assert said in problem.message
    assert (problem.line, problem.column) == (line, column)
    assert SECRET not in problem.message
    assert "4711" not in problem.message


def test_a_caret_stands_under_the_failing_operator():
    with pytest.raises(ExpressionError) as caught:
        cel.evaluate("x +\n  y + 1", {"x": 1, "y": "a"})
    assert str(caught.value).splitlines()[1:] == [" | x +", " | ..^"]


@pytest.mark.parametrize("source", ["x.nope", "x.text + 1", "int(x.text)"])
def test_no_value_is_in_the_chain_of_exceptions_that_is_shown(source: str):
    with pytest.raises(ExpressionError) as caught:
        cel.evaluate(source, VALUES)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
