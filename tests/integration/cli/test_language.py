"""``airflow cloudfn language``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_cloudfn.authoring import language
from airflow_provider_cloudfn.authoring.vocabulary import AFTER_CALL_VARIABLES, VARIABLES

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def document(cloudfn: Callable[..., Any]) -> Any:
    ended = cloudfn("language", "--json")
    assert ended.code == 0
    return ended.document


def test_it_has_every_name_with_the_place_where_it_exists(document: Any) -> None:
    where = {one["name"]: one["where"] for one in document["names"]}

    assert {name for name, place in where.items() if place == "always"} == VARIABLES
    assert (where["response"], where["item"]) == ("after_call", "for_each")


def test_each_field_of_a_record_can_be_read(document: Any) -> None:
    paths = [f"{one['name']}.{field}" for one in document["names"] for field in one["fields"]]

    assert "response.status" in paths
    for path in paths:
        assert not language.check(path, variables=VARIABLES | AFTER_CALL_VARIABLES).problems


def test_it_says_how_functions_and_methods_are_called(document: Any) -> None:
    known = {(one["name"], one["is_method"]): one for one in document["functions"]}

    assert known["url.encode", False]["library"] == "url"
    assert known["split", True]["call"].startswith("string.split(")
    assert not any(name.startswith(("_", "-", "!")) for name, _ in known)


def test_macros_are_cel_s_and_ours(document: Any) -> None:
    assert {"map", "filter", "has", "contextEventPath"} <= set(document["macros"])


def test_people_get_tables(cloudfn: Callable[..., Any]) -> None:
    out = cloudfn("language").out

    assert "url.encode(" in out
    assert "macros: " in out
