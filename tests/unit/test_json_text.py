"""JSON text that an author wrote."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cloudfn.json_encoding import encode_json
from airflow_provider_cloudfn.json_text import RepeatedKeyError, read_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(VALUES)
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
