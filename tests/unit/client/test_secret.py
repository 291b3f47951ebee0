"""A placeholder for a whole value, which says nothing about it."""

from __future__ import annotations

import copy
import pickle
from types import MappingProxyType
from typing import Any

import pytest

from airflow_provider_cloudfn.client.secret import Secret, fill_secrets, has_secrets, looked_up, secret
from airflow_provider_cloudfn.exceptions import ConfigurationError


def test_it_is_shown_as_stars_and_written_as_it_is_called() -> None:
    assert (str(secret("k")), repr(secret("k"))) == ("***", "secret('k')")


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_it_survives_copying(copied: Any) -> None:
    assert copied(secret("k")) == Secret("k")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (secret("k"), "filled-k"),
        ({"a": [secret("k"), {"b": secret("l")}], "c": 1}, {"a": ["filled-k", {"b": "filled-l"}], "c": 1}),
        ([("a", secret("k")), ("b", "x")], [("a", "filled-k"), ("b", "x")]),
        (MappingProxyType({"a": secret("k")}), {"a": "filled-k"}),
    ],
)
def test_it_is_filled_at_any_depth(value: Any, expected: Any) -> None:
    assert has_secrets(value)
    assert fill_secrets(value, lambda name: f"filled-{name}") == expected


@pytest.mark.parametrize("value", [None, 1, "***", b"x", [], {"a": [1, {"b": "c"}]}, ("a",)])
def test_what_has_none_is_left_as_it_is(value: Any) -> None:
    assert not has_secrets(value)
    assert fill_secrets(value, lambda _: "x") is value


def test_an_unknown_name_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(ConfigurationError, match=r"secret\('k'\).*known: 'a', 'b'") as raised:
        looked_up({"b": "s3cret", "a": "s3cret"})("k")

    assert "s3cret" not in str(raised.value)


def test_what_holds_itself_is_refused() -> None:
    itself: dict[str, object] = {}
    itself["a"] = itself

    with pytest.raises(ConfigurationError, match="a dict is nested too deep to be sent, or holds itself"):
        has_secrets(itself)
