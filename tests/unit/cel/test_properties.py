"""Properties that hold for any source and any data."""

from __future__ import annotations

import datetime as dt
import json
import math
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from kit.cel_expressions import expressions

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.authoring import language
from airflow_provider_cloudfn.exceptions import ExpressionError

LIMITS = cel.Limits(steps=20_000, string_length=100_000, list_length=10_000)

TEXT = st.text(max_size=20)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | TEXT
    | st.binary(max_size=20)
    | st.datetimes(timezones=st.just(dt.UTC))
    | st.datetimes()
    | st.dates()
    | st.timedeltas(dt.timedelta(days=-10_000), dt.timedelta(days=10_000))
    | st.decimals()
    | st.uuids()
    | st.builds(cel.UInt, st.integers(0, 2**64 - 1))
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4) | st.tuples(inner),
    max_leaves=8,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=600, deadline=None)
@given(expressions(), VALUES, VALUES)
def test_an_expression_has_a_result_or_an_error_of_its_own(source: str, a: Any, b: Any):
    with suppress(ExpressionError):  # anything else fails the test
        cel.evaluate(source, {"a": a, "b": b}, limits=LIMITS)


@settings(max_examples=600, deadline=None)
@given(st.text(max_size=60) | st.text("ab.?[]{}()\"'\\`+-*/%<>=!&|,: 01u\n", max_size=60))
def test_any_source_compiles_or_has_problems_with_a_place(source: str):
    check = language.check(source, variables=["a", "b"], text=True)
    assert (check.program is None) is bool(check.problems)
    assert all(problem.line is not None for problem in check.problems)


@given(TEXT)
def test_a_quoted_text_is_the_text(text: str):
    assert cel.evaluate(cel.evaluate("strings.quote(x)", {"x": text}), {}) == text


@given(st.binary(max_size=50))
def test_base64_goes_back(data: bytes):
    assert cel.evaluate("base64.decode(base64.encode(x))", {"x": data}) == data


@given(JSON)
def test_json_goes_back(value: Any):
    text = cel.evaluate("json.encode(x)", {"x": value})
    assert json.loads(text) == value
    assert cel.evaluate("json.decode(x)", {"x": text}) == value


@given(st.datetimes(timezones=st.just(dt.UTC)))
def test_a_timestamp_goes_through_text(moment: dt.datetime):
    assert cel.evaluate("timestamp(string(x)) == x && timestamp(time.iso(x)) == x", {"x": moment}) is True


@given(st.timedeltas(dt.timedelta(days=-3_000_000), dt.timedelta(days=3_000_000)))
def test_a_duration_goes_through_text(duration: dt.timedelta):
    assert cel.evaluate("duration(string(x))", {"x": duration}) == duration


@given(st.integers(-(2**63), 2**63 - 1))
def test_an_int_goes_through_text_and_source(number: int):
    assert cel.evaluate("int(string(x))", {"x": number}) == number
    assert cel.evaluate(str(number), {}) == number


@given(st.floats(allow_nan=False))
def test_a_double_goes_through_text(number: float):
    assert cel.evaluate("double(string(x))", {"x": number}) == number


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1))
def test_division_is_towards_zero_and_the_remainder_fits(left: int, right: int):
    try:
        quotient = cel.evaluate("x / y", {"x": left, "y": right})
    except ExpressionError:
        assert right == 0 or (left, right) == (-(2**63), -1)
        return
    assert quotient == math.trunc(
        left // right if left % right == 0 else (abs(left) // abs(right)) * (1 if (left < 0) == (right < 0) else -1)
    )
    assert quotient * right + cel.evaluate("x % y", {"x": left, "y": right}) == left


@given(VALUES, VALUES)
def test_equality_is_symmetric_and_a_value_without_nan_equals_itself(a: Any, b: Any):
    assert cel.evaluate("a == b", {"a": a, "b": b}) is cel.evaluate("b == a", {"a": a, "b": b})
    assert cel.evaluate("a == b", {"a": a, "b": b}) is not cel.evaluate("a != b", {"a": a, "b": b})


@given(st.lists(st.integers(-100, 100) | st.floats(allow_nan=False) | st.booleans() | TEXT, max_size=10))
def test_distinct_keeps_the_first_of_equals(items: list[Any]):
    result = cel.evaluate("x.distinct()", {"x": items})
    assert (
        cel.evaluate("x.all(i, i in y) && y.all(i, y.filter(j, i == j).size() == 1)", {"x": items, "y": result}) is True
    )


@given(st.lists(st.integers(), max_size=10))
def test_sort_orders(items: list[int]):
    assert cel.evaluate("x.sort()", {"x": items}) == sorted(items)


@given(TEXT, TEXT.filter(bool))
def test_joining_what_was_split_gives_the_text(text: str, separator: str):
    assert cel.evaluate("x.split(y).join(y)", {"x": text, "y": separator}) == text
