"""How values become JSON, and how JSON text that an author wrote is read."""

from __future__ import annotations

import datetime as dt
import json
import time
import uuid
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cloudfn.exceptions import ConfigurationError, LimitError
from airflow_provider_cloudfn.json_encoding import RepeatedKeyError, encode_json, read_json, restored, to_json_value
from airflow_provider_cloudfn.json_encoding.numbers import JsonNumber

if TYPE_CHECKING:
    from collections.abc import Callable

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
def test_a_json_value_is_itself_where_it_is_sent(value: Any) -> None:
    assert to_json_value(value, exact=True) == value


@given(json_encoding)
def test_a_json_value_is_itself_after_it_was_kept(value: Any) -> None:
    assert encode_json(restored(to_json_value(value))) == encode_json(value).replace(r"\u0000", "\ufffd")


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
        ({"a": {1: 2}}, "a: a key that is an integer can't be written as JSON, where all keys are text"),
        ({"a b": {1}}, '["a b"]: a value of type set can\'t be written as JSON'),
        (Decimal("NaN"), "NaN can't be written as JSON"),
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


@pytest.mark.parametrize("text", ["5", "1.5", "1.50", "-0.0", "1E+3", "0.12345678901234567890", "1E+400"])
def test_a_decimal_keeps_its_digits_where_it_is_sent(text: str) -> None:
    value = to_json_value(Decimal(text), exact=True)

    assert encode_json(value) == text
    assert isinstance(value, (int, float)) is (text != "1E+400")


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


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(st.characters(exclude_categories=[]))
        | st.binary(),
        lambda inner: (
            st.lists(inner)
            | st.tuples(inner, inner)
            | st.dictionaries(st.text(st.characters(exclude_categories=[])) | st.just(1), inner)
        ),
    )
)
def test_a_value_that_need_not_be_copied_becomes_what_a_copy_would_be(value: object) -> None:
    def kept(*, is_copied: bool) -> object:
        try:
            return repr(to_json_value(value, is_copied=is_copied))
        except ConfigurationError as error:
            return str(error)

    assert kept(is_copied=False) == kept(is_copied=True)


@pytest.mark.parametrize("is_copied", [True, False])
def test_a_value_that_may_change_is_copied(*, is_copied: bool) -> None:
    value = {"name": "Müller", "prices": [1, 2.5, None, True]}

    kept = to_json_value(value, is_copied=is_copied)

    assert kept == value
    assert (kept is not value) is is_copied
    assert (kept["prices"] is not value["prices"]) is is_copied


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
    "text",
    ["", "{", "steps.x", "NaN", "[Infinity]", "'a'", "[" * 100_000, "1e99999999999999999999"],
    ids=lambda text: text[:9],
)
def test_what_is_no_json_is_none(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says
        read_json(text)


def test_a_key_that_is_there_twice_is_named() -> None:
    with pytest.raises(RepeatedKeyError) as caught:
        read_json('{"a": {"b": 1, "b": 2}}')
    assert caught.value.key == "b"


def test_of_many_keys_one_that_is_there_twice_is_found_at_once() -> None:
    text = "{" + ",".join(f'"{number}":1' for number in range(100_000)) + ',"z":1,"z":2}'
    began = time.process_time()

    with pytest.raises(RepeatedKeyError):
        read_json(text)

    # A search for each of them would take minutes.
    assert time.process_time() - began < 10


TEXT, ASCII, DECIMAL = "ä" * 1_000_000, "a" * 1_000_000, Decimal("0." + "1" * 1_000_000)


@pytest.mark.parametrize("write", [encode_json, to_json_value])
@pytest.mark.parametrize(
    "value",
    [
        [TEXT] * 101, [TEXT.encode()] * 101, (TEXT,) * 101, {"a": [TEXT] * 60, "b": [{"c": TEXT}] * 60}, [{TEXT: 1}] * 101,
        [DECIMAL] * 101, [JsonNumber(str(DECIMAL))] * 101, [10**4_000] * 100_000, [MappingProxyType({TEXT: TEXT})] * 60,
        [ASCII] * 101, {str(number): ASCII for number in range(101)},
    ],
    ids=["texts", "bytes", "tuple", "nested", "keys", "decimals", "numbers", "integers", "mappings", "ASCII", "ASCII of members"],
)  # fmt: skip
def test_a_text_that_is_shared_is_counted_as_often_as_it_is_written(write: Callable[[Any], Any], value: Any) -> None:
    with pytest.raises(LimitError, match="the value has more than 100,000,000 characters when it is written as JSON"):
        write(value)
