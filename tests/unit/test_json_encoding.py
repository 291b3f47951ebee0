"""How values become JSON, and how JSON text that an author wrote is read."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.json_encoding import RepeatedKeyError, encode_json, read_json, to_json_value

json_encoding = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda children: st.lists(children) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), children),
    max_leaves=20,
)


@given(json_encoding)
def test_a_json_value_survives_the_journey(value: Any) -> None:
    assert json.loads(encode_json(value)) == value


@given(json_encoding)
def test_a_json_value_is_itself(value: Any) -> None:
    assert to_json_value(value) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC), '"2026-01-31T12:00:00Z"'),
        (dt.datetime(2026, 1, 31, 12, 0, 0, 500000, tzinfo=dt.UTC), '"2026-01-31T12:00:00.5Z"'),
        (dt.datetime(2026, 1, 31, 12, tzinfo=dt.timezone(dt.timedelta(hours=2))), '"2026-01-31T10:00:00Z"'),
        (dt.datetime.fromisoformat("2026-01-31T12:00:00"), '"2026-01-31T12:00:00Z"'),
        (dt.date(2026, 1, 31), '"2026-01-31"'),
        (dt.timedelta(hours=1), '"3600s"'),
        (dt.timedelta(seconds=-1.5), '"-1.5s"'),
        (b"\x00\xff", '"AP8="'),
        (Decimal("1.10"), "1.10"),
        (Decimal("0.1234567890123456789"), "0.1234567890123456789"),
        (uuid.UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        (2**70, "1180591620717411303424"),
        ((1, 2), "[1,2]"),
        (MappingProxyType({"a": "ü☕"}), '{"a":"ü☕"}'),
        ({"b": [], "a": {}}, '{"b":[],"a":{}}'),
    ],
)
def test_a_value_has_one_form(value: object, text: str) -> None:
    assert encode_json(value) == text


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"items": [{"price": float("nan")}]}, "items[0].price: NaN can't be written as JSON"),
        ([float("-inf")], "[0]: infinity can't be written as JSON"),
        ({"a": {1: 2}}, "a: a key of type int, where JSON has only text as keys can't be written as JSON"),
        ({"a b": {1}}, '["a b"]: a value of type set can\'t be written as JSON'),
        (Decimal("NaN"), "value: NaN can't be written as JSON"),
        ({"x": "\ud800"}, "x: text with a lone surrogate can't be written as JSON"),
    ],
)
def test_what_json_cannot_hold_is_refused_with_its_place(value: object, message: str) -> None:
    with pytest.raises(ConfigurationError) as encoding:
        encode_json(value)
    with pytest.raises(ConfigurationError) as converting:
        to_json_value(value)

    assert str(encoding.value) == str(converting.value) == message


def test_a_cycle_is_refused() -> None:
    value: list[Any] = []
    value.append(value)

    with pytest.raises(ConfigurationError, match="nested deeper than 200"):
        encode_json(value)


def test_a_decimal_becomes_the_nearest_number_unless_it_must_be_exact() -> None:
    exact = Decimal("0.12345678901234567890")

    assert to_json_value([Decimal("5"), Decimal("1.5"), exact]) == [5, 1.5, float(exact)]
    assert to_json_value([Decimal("1.5"), exact], exact=True) == [1.5, exact]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=[])),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=[])), inner),
    )
)
def test_what_is_json_already_is_written_as_anything_else_is(value: object) -> None:
    # A map of another type takes the general way.
    def written(value: object) -> str:
        try:
            return encode_json(value)
        except ConfigurationError as error:
            return str(error)

    assert written({"value": value}) == written(MappingProxyType({"value": value}))


exact_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(exact_values)
def test_what_is_written_is_what_is_read(value: Any) -> None:
    assert read_json(encode_json(value)) == value


def test_a_number_keeps_its_digits() -> None:
    assert read_json("0.10000000000000000001") == Decimal("0.10000000000000000001")


@pytest.mark.parametrize(
    "text", ["", "{", "steps.x", "NaN", "[Infinity]", "'a'", "[" * 100_000], ids=lambda text: text[:9]
)
def test_what_is_no_json_is_none(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says
        read_json(text)


def test_a_key_that_is_there_twice_is_named() -> None:
    with pytest.raises(RepeatedKeyError) as caught:
        read_json('{"a": {"b": 1, "b": 2}}')
    assert caught.value.key == "b"
