"""``format``: its clauses, and what each takes."""

from __future__ import annotations

from decimal import Decimal

import pytest

from airflow_provider_cloudfn.cel import evaluate

_THRICE = " ".join(["12345678901234567.89"] * 3)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("'%s, %s'.format(['a', 1])", "a, 1"),
        ("'100%%'.format([])", "100%"),
        ("'%d %d'.format([-1, 2u])", "-1 2"),
        ("'%.2f'.format([1.005])", "1.00"),
        ("'%f'.format([1])", "1.000000"),
        ("'%.2f %d %s'.format([12345678901234567.89, 12345678901234567.89, 12345678901234567.89])", _THRICE),
        ("'%.1f'.format([9007199254740993])", "9007199254740993.0"),
        ("'%.0f'.format([18446744073709551615u])", "18446744073709551615"),
        ("'%.0f'.format([2.5])", "2"),
        ("'%e'.format([1234.5])", "1.234500e+03"),
        ("'%b %b %b'.format([5, -5, true])", "101 -101 1"),
        ("'%o'.format([8])", "10"),
        ("'%x %X'.format([255, 'hi'])", "ff 6869"),
        ("'%x'.format([b'\\xff'])", "ff"),
        ("'%s'.format([[1, 'a', null, 2.0, true]])", "[1, a, null, 2, true]"),
        ("'%s'.format([{'b': 1, 'a': [2]}])", "{a: [2], b: 1}"),
        ("'%s'.format([timestamp(0)])", "1970-01-01T00:00:00Z"),
        ("'%s'.format([duration('90m')])", "5400s"),
        ("'%s %s'.format([0.0 / 0.0, -1.0 / 0.0])", "NaN -Infinity"),
        ("'%s'.format([type(1)])", "int"),
    ],
)
def test_a_call_gives(source, expected, gives):
    gives(source, expected)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("'%s'.format([])", "more clauses than the 0 values"),
        ("'%d'.format(['a'])", "format() takes a number for %d, got string"),
        ("'%f'.format([true])", "format() takes a number for %f, got bool"),
        ("'%b'.format([1.5])", "an integer or bool"),
        ("'%o'.format(['a'])", "an integer"),
        ("'%x'.format([null])", "got null_type"),
        ("'%q'.format([1])", "format() has no clause '%q'"),
        ("'%'.format([1])", "format() has no clause '%'"),
        ("'%.9999f'.format([1.0])", "1000 digits at most"),
        ("'%s'.format([optional.none()])", "values that have a text"),
    ],
)
def test_a_call_says_what_it_needs(source, said, fails):
    fails(source, said)


@pytest.mark.parametrize("clause", ["%s", "%d", "%.2f"])
def test_a_decimal_of_python_keeps_its_digits(clause):
    value = Decimal("12345678901234567.89")

    assert evaluate(f"'{clause}'.format([amount])", {"amount": value}) == "12345678901234567.89"
