"""What is written down of a variable comes back as it was."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cloudfn.json_encoding import JsonNumber
from airflow_provider_cloudfn.triggers.written_down import named_by, read_back, written_down

# Neither of these can be kept in every database.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT | st.binary() | st.just(JsonNumber("12345678901234567.89")),
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner, max_size=3),
)


@given(value=VALUES)
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    assert read_back(json.loads(json.dumps(written_down(value)))) == value


@pytest.mark.parametrize(
    "value", [{"$cloudfn.bytes": "no base64"}, {"$cloudfn.bytes": 7}, {"$cloudfn.bytes": "", "a": 1}]
)
def test_what_only_looks_so_is_a_map(value: Any) -> None:
    assert read_back(value) == value


@pytest.mark.parametrize(
    ("sources", "named"),
    [
        (["response.status == 1"], None),
        (["job.body.id"], {"body": {"id": 7}}),
        (["job.body.id", "job.status + job.nope"], {"body": {"id": 7}, "status": 202}),
        (["job"], {"status": 202, "body": {"id": 7, "secret": "x"}}),
        (['job.body[?"id"].hasValue()'], {"body": {"id": 7}}),
    ],
)
def test_no_more_of_an_answer_is_kept_than_is_named(sources: list[str], named: Any) -> None:
    assert named_by(sources, "job", {"status": 202, "body": {"id": 7, "secret": "x"}}) == named
