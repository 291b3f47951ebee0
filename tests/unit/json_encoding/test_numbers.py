"""A number keeps its digits wherever nobody calculates with it."""

from __future__ import annotations

import copy
import json
import pickle
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.json_encoding import encode_json, parse_foreign_json, restored, to_json_value

TEXTS = [
    "1432.0531571421431599",
    "12345678901234567.89",
    "10.50",
    "0.10",
    "-10.50",
    "-0.00",
    "1e3",
    "1E+3",
    "1.50e-7",
    "0.1000000000000000055511151231257827",
    "1000000000000000000000000000000",
    "-9223372036854775809",
    "1.5",
    "0",
    "-0",
    "5e-324",
    "1e-400",
]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("form", ["{}", '{{"a":{}}}', "[{},1]"])
def test_what_is_read_and_handed_on_is_written_as_it_came(text: str, form: str) -> None:
    written = form.format(text.replace("-0", "0") if text == "-0" else text)

    assert encode_json(parse_foreign_json(written)) == written
    assert encode_json(to_json_value(parse_foreign_json(written), exact=True)) == written


@pytest.mark.parametrize("text", TEXTS)
def test_it_has_the_same_value_after_it_was_in_xcom(text: str) -> None:
    kept = json.loads(json.dumps(to_json_value([parse_foreign_json(text)])))

    assert Decimal(encode_json(restored(kept))[1:-1]) == Decimal(text)


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("10.50", 10.5),
        ("1e3", 1000.0),
        ("0.10000000000000001", 0.1),
        ("123456789012345.67", 123456789012345.67),
        ("18446744073709551615", 2**64 - 1),
        ("-9223372036854775808", -(2**63)),
        ("12345678901234567.89", {"$cloudfn.number": "12345678901234567.89"}),
        ("1234567890123456.7", {"$cloudfn.number": "1234567890123456.7"}),
        ("18446744073709551616", {"$cloudfn.number": "18446744073709551616"}),
        ("-9223372036854775809", {"$cloudfn.number": "-9223372036854775809"}),
        ("1e-400", {"$cloudfn.number": "1e-400"}),
    ],
)
def test_xcom_holds_a_number_where_one_is_the_same(text: str, held: Any) -> None:
    assert to_json_value(parse_foreign_json(text)) == held
    assert to_json_value(held) == held


@pytest.mark.parametrize(
    "value",
    [
        {"$cloudfn.number": "1"},
        {"$cloudfn.number": "1.5"},
        {"$cloudfn.number": "NaN"},
        {"$cloudfn.number": "1" * 5000},
        {"$cloudfn.number": "0123456789012345678901234567890"},
        {"$cloudfn.number": 10**30},
        {"$cloudfn.number": "12345678901234567.89", "more": 1},
        {"$numberDecimal": "12345678901234567.89"},
        {"a": [{}, []]},
        None,
    ],
)
def test_a_map_that_is_no_number_stays_the_map(value: Any) -> None:
    assert restored(value) is value


@pytest.mark.parametrize("text", ["9" * 4_300, f"-{'9' * 4_300}", f"0.{'1' * 4_299}"])
def test_the_longest_number_survives_the_journey(text: str) -> None:
    assert encode_json(restored(to_json_value(parse_foreign_json(text)))) == text


@pytest.mark.parametrize("text", ["9" * 4_301, f"0.{'1' * 4_300}", f"1{'0' * 4_300}e-4300"])
def test_a_longer_one_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="has a number of thousands of digits"):
        parse_foreign_json(f'{{"a": [{text}]}}')


@given(st.decimals(allow_nan=False, allow_infinity=False, places=20) | st.integers())
def test_any_number_survives_the_journey(number: Decimal | int) -> None:
    text = str(number)

    assert Decimal(encode_json(restored(to_json_value(parse_foreign_json(text))))) == Decimal(text)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("x", "12345678901234567.89"),
        ("{'a': [x]}", '{"a":[12345678901234567.89]}'),
        ("x > 1.0 ? x : 0.0", "12345678901234567.89"),
        ("[x].filter(n, n > 1.0)", "[12345678901234567.89]"),
        ("json.encode(x)", '"12345678901234567.89"'),
        ("string(x)", '"12345678901234567.89"'),
        ("json.decode(string(x))", "12345678901234567.89"),
        ("-x", "-12345678901234567.89"),
        ("x * 2.0", "2.4691357802469136e+16"),
        ("x + 0.0", "1.2345678901234568e+16"),
        ("x == 12345678901234568.0", "true"),
        ("type(x) == double", "true"),
        ("math.round(x)", "1.2345678901234568e+16"),
        ("{'price': 10.50}", '{"price":10.50}'),
        ("{'price': -10.50}", '{"price":-10.50}'),
        ("{'rate': 1432.0531571421431599}", '{"rate":1432.0531571421431599}'),
        ("[.5]", "[0.5]"),
    ],
)
def test_it_is_a_double_where_it_is_calculated_with(expression: str, text: str) -> None:
    x = parse_foreign_json("12345678901234567.89")

    assert encode_json(cel.compile(expression, variables={"x"}).evaluate({"x": x})) == text


def test_it_is_a_float_of_python() -> None:
    number = parse_foreign_json("10.50")

    assert isinstance(number, float)
    assert (number, number * 2, json.dumps(number), repr(number)) == (10.5, 21.0, "10.5", "10.5")
    for again in (copy.deepcopy(number), pickle.loads(pickle.dumps(number))):
        assert encode_json(again) == "10.50"
