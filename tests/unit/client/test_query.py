"""Names and values as text, and lists in their three styles."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cloudfn.client.body import Form, make_body
from airflow_provider_cloudfn.client.query import query_pairs
from airflow_provider_cloudfn.exceptions import ConfigurationError, LimitError


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a b", "a b"),
        ("", ""),
        ('"quoted"', '"quoted"'),
        (12, "12"),
        (1.5, "1.5"),
        (True, "true"),
        (False, "false"),
        (Decimal("10.10"), "10.10"),
        (dt.datetime(2026, 1, 31, 8, 30, tzinfo=dt.UTC), "2026-01-31T08:30:00Z"),
        (dt.date(2026, 1, 31), "2026-01-31"),
        (dt.timedelta(hours=1), "3600s"),
        (b"x\x00y", "x\x00y"),
    ],
)
def test_a_value_is_its_text(value: object, text: str) -> None:
    assert list(query_pairs({"x": value})) == [("x", text)]


@pytest.mark.parametrize(
    ("query", "pairs"),
    [
        (None, []),
        ({}, []),
        ({"x": None}, []),
        ({"x": []}, []),
        ({"x": [None]}, []),
        ({"x": ""}, [("x", "")]),
        ([("b", "1"), ("a", "2"), ("b", "3")], [("b", "1"), ("a", "2"), ("b", "3")]),
        ({"": "nameless"}, [("", "nameless")]),
    ],
)
def test_what_is_left_out_and_what_is_not(query: Any, pairs: list[tuple[str, str]]) -> None:
    assert list(query_pairs(query)) == pairs


@pytest.mark.parametrize("value", [[1, "b", None, True], (1, "b", None, True)])
@pytest.mark.parametrize(
    ("style", "pairs"),
    [
        ("repeat", [("x", "1"), ("x", "b"), ("x", "true")]),
        ("brackets", [("x[]", "1"), ("x[]", "b"), ("x[]", "true")]),
        ("comma", [("x", "1,b,true")]),
    ],
)
def test_a_list_is_written_in_its_style(value: Any, style: Any, pairs: list[tuple[str, str]]) -> None:
    assert list(query_pairs({"x": value}, style)) == pairs


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("a=1", "query: must be a map of names and values, not text"),
        ({"x": {"y": 1}}, r'query\["x"\]: must be text or a number, not a map'),
        ({"x": [[1]]}, r'query\["x"\]: must be text or a number, not a list'),
        ({"x": {1}}, r'query\["x"\]: must be text or a number, not a list'),
        ({"x": float("nan")}, "NaN"),
        ({"x": object()}, "object"),
        ({1: "x"}, r'query\["1"\]: a name must be text, not an integer'),
    ],
)
def test_what_has_no_text_is_refused(query: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        list(query_pairs(query))


@pytest.mark.parametrize("style", ["repeat", "brackets", "comma"])
def test_a_text_that_elements_share_is_counted_as_often_as_it_is_written(style: Any) -> None:
    with pytest.raises(LimitError, match="query: has more than 100,000,000 characters; send less at once"):
        list(query_pairs({"a": ["x" * 1_000_000] * 101}, style))


def test_a_style_that_there_is_not_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="list_style: 'pipes' is none of repeat, brackets, comma"):
        list(query_pairs({}, "pipes"))  # type: ignore[arg-type]  # what a caller without types could pass


@given(st.lists(st.tuples(st.text(), st.text())))
def test_pairs_of_texts_stay_as_they_are(pairs: list[tuple[str, str]]) -> None:
    assert list(query_pairs(pairs)) == pairs


def test_bytes_are_the_text_that_they_hold() -> None:
    assert list(query_pairs({"x": "grün".encode()})) == [("x", "grün")]


def test_bytes_that_are_no_text_are_refused_with_the_remedy() -> None:
    with pytest.raises(ConfigurationError, match=re.escape('query["x"]: is bytes that are no UTF-8: encode them')):
        list(query_pairs({"x": b"\xff"}))


def test_what_is_wrong_with_a_form_is_said_of_the_body_s_data() -> None:
    with pytest.raises(ConfigurationError, match=re.escape('data["a"]: must be text or a number, not a map')):
        make_body(Form({"a": {"b": 1}}), "repeat")
