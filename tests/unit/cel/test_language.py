"""The language of the specification: operators, relations, conditions, displays, and the types of results."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import pytest

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.exceptions import ExpressionError


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("7 - 2 - 1", 4),
        ("-7 / 2", -3),
        ("-7 % 2", -1),
        ("7 % -2", 1),
        ("7u / 2u", cel.UInt(3)),
        ("1.5 * 2.0", 3.0),
        ("1.0 / 0.0", math.inf),
        ("-1.0 / 0.0", -math.inf),
        ("--5", 5),
        ("-9223372036854775808", -(2**63)),
        ("0x1F", 31),
        ("-0x10", -16),
        ("0xFFu", cel.UInt(255)),
        ('"a" + "b"', "ab"),
        ('b"a" + b"b"', b"ab"),
        ("[1] + [2, 3]", [1, 2, 3]),
        ("!true", False),
        ("true ? 1 : 2", 1),
        ("false ? 1 : true ? 2 : 3", 2),
        ("true && false || true", True),
        ("1 < 2 && 2 <= 2 && 3 > 2 && 3 >= 3", True),
        ("1 != 2", True),
        ('"b" > "a"', True),
        ("null", None),
        ("[1, 2,]", [1, 2]),
        ('{"a": 1, "b": [2],}', {"a": 1, "b": [2]}),
        ("{}", {}),
        ("[[1], [2]][1][0]", 2),
        ("1 // a comment\n+ 2", 3),
    ],
)
def test_an_expression_has_the_value_that_the_specification_gives_it(source: str, expected: Any):
    result = cel.evaluate(source, {})
    assert result == expected
    assert type(result) is type(expected)


def test_dividing_zero_by_zero_gives_nan():
    assert math.isnan(cel.evaluate("0.0 / 0.0", {}))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("1 == 1.0", True),
        ("1u == 1", True),
        ("1 == 1.5", False),
        ('1 == "1"', False),
        ("1 == true", False),
        ("0 == false", False),
        ("null == 0", False),
        ("[1, 2.0] == [1.0, 2u]", True),
        ("[1] == [true]", False),
        ('{"a": 1} == {"a": 1.0}', True),
        ("{1: 2} == {1u: 2}", True),
        ("{1: 2} == {true: 2}", False),
        ('"a" == b"a"', False),
        ("0.0 == -0.0", True),
        ("[] == {}", False),
        ("1 < 1.5", True),
        ("2u > 1.5", True),
        ("1 in [1.0]", True),
        ("1 in {1u: 0}", True),
        ("true in {1: 0}", False),
        ('"a" in {"a": null}', True),
        ("9007199254740993 > 9007199254740992.0", False),
    ],
)
def test_numbers_compare_by_value_and_unlike_types_are_never_equal(source: str, expected: bool):
    assert cel.evaluate(source, {}) is expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("true || 1 / 0 > 0", True),
        ("1 / 0 > 0 || true", True),
        ("false && 1 / 0 > 0", False),
        ("1 / 0 > 0 && false", False),
        ('"text" || true', True),
        ("[1, 0].exists(x, 4 / x == 4)", True),
        ("[0, 1].exists(x, 4 / x == 4)", True),
        ("[0, 1].all(x, 4 / x == 3)", False),
    ],
)
def test_an_error_does_not_count_where_another_operand_decides(source: str, expected: bool):
    assert cel.evaluate(source, {}) is expected


@pytest.mark.parametrize(
    "source",
    [
        "1 / 0",
        "1 % 0",
        "1u - 2u",
        "9223372036854775807 + 1",
        "-9223372036854775808 - 1",
        "-(-9223372036854775808)",
        "9223372036854775807 * 2",
        "18446744073709551615u + 1u",
        "1 + 1.0",
        "1 + 1u",
        '"a" + 1',
        "-true",
        '!"a"',
        "1 && true",
        "true && 1",
        "false || 1 / 0 > 0",
        "1 ? 2 : 3",
        "1 < true",
        "null < null",
        "[1] < [2]",
        "{1: 1, 1u: 2}",
        "{1.5: 1}",
        "{null: 1}",
        "[1][1]",
        "[1][-1]",
        '[1]["a"]',
        "[1][0.5]",
        '{"a": 1}.b',
        '{"a": 1}["b"]',
        "{1: 1}[true]",
        '"text".field',
        "5 in 5",
        '{"a": 1 / 0}',
        '{"a": [{"b": {}.nope}]}',
        "[1, 2].map(x, {}.nope)",
    ],
)
def test_what_has_no_value_is_an_error_and_never_a_part_of_a_result(source: str):
    with pytest.raises(ExpressionError):
        cel.evaluate(source, {})


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("1", "int"),
        ("1u", "uint"),
        ("1.0", "double"),
        ('"a"', "string"),
        ('b"a"', "bytes"),
        ("true", "bool"),
        ("null", "null_type"),
        ("[]", "list"),
        ("{}", "map"),
        ("type(1)", "type"),
        ("timestamp(0)", "google.protobuf.Timestamp"),
        ('duration("1s")', "google.protobuf.Duration"),
        ("optional.none()", "optional_type"),
    ],
)
def test_every_value_has_a_type(source: str, name: str):
    assert cel.evaluate(f"type({source})", {}) == cel.CelType(name)
    assert cel.evaluate(f"type({source}) == {name}", {}) is True


def test_a_timestamp_is_an_aware_datetime_and_a_duration_a_timedelta():
    moment = cel.evaluate('timestamp("2024-01-31T12:00:00.5+02:00")', {})
    assert moment == dt.datetime(2024, 1, 31, 10, 0, 0, 500_000, tzinfo=dt.UTC)
    assert type(moment) is dt.datetime
    assert cel.evaluate('duration("-1h30m1.5s")', {}) == -dt.timedelta(hours=1, minutes=30, seconds=1.5)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{1: 'a', true: 'b'}[1]", "a"),
        ("{1: 'a', true: 'b'}[true]", "b"),
        ("size({0: 'a', false: 'b', 1u: 'c', true: 'd'})", 4),
        ("{1: 'a', true: 'b'} == {true: 'b', 1.0 == 1 ? 1u : 2u: 'a'}", True),
        ("'%s'.format([{1: 'a', true: 'b'}])", "{1: a, true: b}"),
        ("false in {0: 1, true: 2}", False),
    ],
)
def test_a_number_and_a_bool_are_two_keys(source: str, expected: Any):
    assert cel.evaluate(source, {}) == expected


def test_the_keys_of_a_map_keep_their_order():
    assert list(cel.evaluate('{"z": 1, "a": 2, "m": 3}', {})) == ["z", "a", "m"]
