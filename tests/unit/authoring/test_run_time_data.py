"""What an instance of a mapped task knows of the texts that arrived at run time."""

from __future__ import annotations

import dataclasses
from typing import Any

import attrs
import pydantic
import pytest
from airflow.sdk import DAG, task

from airflow_provider_cloudfn import CloudFunctionOperator
from airflow_provider_cloudfn.authoring.run_time_data import texts_that_arrived

TEXT = "{{ conn.shop.password }}"
GIVEN = "run.id"


@dataclasses.dataclass
class Standard:
    note: Any


@attrs.define
class Attrs:
    note: Any


class Pydantic(pydantic.BaseModel):
    note: Any


class Own(CloudFunctionOperator):
    """A subclass of a user's own."""

    def __init__(self, *, row: Any, **kwargs: Any) -> None:
        super().__init__(uri='"/v1"', inputs={"handed": row}, **kwargs)


def instance(row: Any) -> Any:
    """Return the instance of a mapped task to which a row of another task's XCom was given."""
    with DAG("d", schedule=None):

        @task
        def rows() -> list[Any]:
            return []

        mapped: Any = Own.partial(task_id="call", query={"id": GIVEN}).expand(row=rows())
    return mapped.unmap({"row": row})


@pytest.mark.parametrize(
    "row",
    [
        TEXT,
        [TEXT],
        (1, (TEXT, None)),
        {TEXT},
        {"note": {"deep": [TEXT]}},
        {TEXT: 1},
        Standard(TEXT),
        Attrs(TEXT),
        Pydantic(note=TEXT),
        [Standard({"deep": Attrs(Pydantic(note=[TEXT]))})],
    ],
    ids=repr,
)
def test_text_is_found_at_any_depth(row: Any) -> None:
    assert TEXT in texts_that_arrived(instance(row), frozenset({"row"})).values()


def test_it_is_found_as_the_object_that_the_parameter_holds() -> None:
    call = instance("".join(("run", ".id")))

    assert set(texts_that_arrived(call, frozenset({"row"}))) == {id(call.inputs["handed"])}


def test_a_value_that_holds_itself_is_looked_at_once() -> None:
    row: list[Any] = [TEXT]
    row.append(row)

    assert list(texts_that_arrived(instance(row), frozenset({"row"})).values()) == [TEXT]


@pytest.mark.parametrize("character", ["", "a", '"', "²"])
def test_a_character_is_data_though_all_code_shares_its_object(character: str) -> None:
    assert texts_that_arrived(instance(character), frozenset({"row"})) == {id(character): character}


@pytest.mark.parametrize(
    "word", ["inputs", "7", GIVEN], ids=["a word of the code", "a digit", "text given to partial()"]
)
def test_what_may_be_the_authors_own_object_is_not_data(word: str) -> None:
    assert texts_that_arrived(instance(word), frozenset({"row"})) == {}


def test_a_decoded_word_is_data_though_the_code_has_it_too() -> None:
    assert list(texts_that_arrived(instance("".join(("inp", "uts"))), frozenset({"row"})).values()) == ["inputs"]


def test_what_the_dag_file_gives_to_expand_is_no_data() -> None:
    assert texts_that_arrived(instance(TEXT), frozenset()) == {}
