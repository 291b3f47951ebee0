"""The JSON Schema of what an event carries."""

from __future__ import annotations

import copy
import itertools
import json
import pickle
import time
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from airflow_provider_cloudfn import CompletionEvent
from airflow_provider_cloudfn.events.declaration import Declaration
from airflow_provider_cloudfn.events.payload_schema import require_payload
from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.json_encoding import to_json_value

if TYPE_CHECKING:
    from collections.abc import Callable

ORDER = {
    "type": "object",
    "required": ["orderId", "lines"],
    "properties": {
        "orderId": {"type": "string", "pattern": "^[0-9]+$"},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}, "minItems": 1},
        "note": {"type": ["string", "null"]},
    },
    "additionalProperties": False,
    "$defs": {
        "line": {"type": "object", "required": ["sku"], "properties": {"price": {"type": "number", "minimum": 0}}}
    },
}


@pytest.mark.parametrize(
    "schema",
    [
        {},
        ORDER,
        {"$schema": "http://json-schema.org/draft-07/schema#", "definitions": {"a": {}}, "$ref": "#/definitions/a"},
        {"$defs": {"a": {"$anchor": "here"}}, "$ref": "#here"},
        {"$ref": "#"},
        {"const": {"$ref": "https://example.com"}},
        {"$defs": {"a": {"$id": "urn:a", "$defs": {"b": {}}, "$ref": "#/$defs/b"}}},
    ],
)
def test_a_json_schema_is_taken(schema: dict[str, Any]) -> None:
    assert CompletionEvent("order.paid", schema=schema).schema == schema


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ("order.json", "schema must be a dict with a JSON Schema, such as {'type': 'object'}, not str"),
        (True, "not bool"),
        ({"type": "strng"}, "schema is no JSON Schema: at schema.type: "),
        ({"properties": {"a-b": {"minimum": "0"}}}, 'at schema.properties["a-b"].minimum: '),
        ({"pattern": "("}, "at schema.pattern: "),
        ({"$ref": "https://example.com/order.json"}, "refers to 'https://example.com/order.json', which is not in it"),
        ({"items": [{"$ref": "other.json"}], "$schema": "http://json-schema.org/draft-07/schema#"}, "'other.json'"),
        ({"items": {"$ref": "#/$defs/nope"}}, "refers to '#/$defs/nope', which is not in it, and nothing is fetched"),
    ],
)
def test_what_is_none_is_refused_with_its_place(schema: Any, said: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        CompletionEvent("order.paid", schema=schema)

    assert str(refused.value).startswith("CompletionEvent('order.paid'): schema ")
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({"lines": [{"sku": "a"}]}, "at payload: lacks 'orderId'"),
        ({}, "at payload: lacks 'orderId', 'lines'"),
        ([], "at payload: must be object, not array"),
        (None, "at payload: must be object, not null"),
        ({"orderId": 1001, "lines": [{"sku": "a"}]}, "at payload.orderId: must be string, not integer"),
        ({"orderId": "s3cret", "lines": [{"sku": "a"}]}, 'at payload.orderId: does not hold pattern: "^[0-9]+$"'),
        (
            {"orderId": "1", "lines": [{"sku": "a"}, {"sku": "b", "price": -1.5}]},
            "at payload.lines[1].price: does not hold minimum: 0",
        ),
        ({"orderId": "1", "lines": []}, "at payload.lines: does not hold minItems: 1"),
        (
            {"orderId": "1", "lines": [{"sku": "a"}], "note": True},
            "at payload.note: must be string or null, not boolean",
        ),
        ({"orderId": "1", "lines": [{"sku": "a"}], "s3cret": 1}, "at payload: has a member that it may not have"),
        (
            {"orderId": "1", "lines": [{}, 1.5]},
            "at payload.lines[0]: lacks 'sku'; at payload.lines[1]: must be object, not number",
        ),
        ({"orderId": "1", "lines": [{}] * 7}, "at payload.lines[4]: lacks 'sku'; and 2 more"),
    ],
)
def test_a_payload_that_is_not_so_is_refused_with_its_places_and_without_its_values(payload: Any, said: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        require_payload(ORDER, payload, event="order.paid")

    assert str(refused.value).startswith("is not what the schema of 'order.paid' says, at payload")
    assert said in str(refused.value)
    assert "s3cret" not in str(refused.value)
    assert not refused.value.retryable


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"properties": {"a": False}}, "at payload: holds what a schema of false forbids"),
        ({"enum": ["x" * 200]}, "does not hold enum: "),
        ({"oneOf": [{"type": "string"}, {"type": "null"}]}, "at payload: does not hold oneOf: "),
    ],
)
def test_other_rules_are_told_in_the_words_of_the_schema(schema: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        require_payload(schema, {"a": 1}, event="e")

    assert said in str(refused.value)
    assert len(str(refused.value)) < 250


def _nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("schema", "payload"),
    [
        ({"anyOf": [{"type": "integer"}, {"type": "array", "items": {"$ref": "#"}}]}, _nested(190)),
        ({"$ref": "#"}, 1),
        ({"multipleOf": 0.1}, 10**400),
    ],
    ids=["nested deep", "a schema without end", "a number without a double"],
)
def test_a_payload_that_the_library_can_not_check_is_refused(schema: dict[str, Any], payload: Any) -> None:
    with pytest.raises(ConfigurationError, match="can't be compared with the schema of 'e'"):
        require_payload(schema, payload, event="e")


@pytest.mark.parametrize("number", ["12345678901234567890123", "0.1000000000000000055511151231257827"])
def test_a_number_of_many_digits_is_a_number(number: str) -> None:
    from airflow_provider_cloudfn.json_encoding import read_json

    payload = to_json_value(read_json(f'{{"n": {number}}}'))

    require_payload({"properties": {"n": {"type": "number", "minimum": 0}}}, payload, event="e")


values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["orderId", "lines", "sku", "x y"]), inner)
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(values)
def test_it_takes_what_the_library_takes(payload: Any) -> None:
    is_valid = Draft202012Validator(ORDER).is_valid(payload)

    try:
        require_payload(ORDER, payload, event="e")
    except ConfigurationError:
        assert not is_valid
    else:
        assert is_valid


items = st.lists(values | st.sampled_from([1.0, 0.0, -1.0, [1.0], {"sku": 1.0}, [True], {"sku": True}]), max_size=6)


@settings(deadline=None, max_examples=500)
@given(items)
def test_items_are_unique_where_no_two_are_equal_to_the_library(payload: list[Any]) -> None:
    pairs = itertools.combinations(payload, 2)
    are_unique = not any(Draft202012Validator({"const": one}).is_valid(other) for one, other in pairs)

    try:
        require_payload({"uniqueItems": True}, payload, event="e")
    except ConfigurationError:
        assert not are_unique
    else:
        assert are_unique


def test_an_item_that_is_there_twice_is_told_in_the_words_of_the_schema() -> None:
    with pytest.raises(ConfigurationError, match="at payload: does not hold uniqueItems: true"):
        require_payload({"uniqueItems": True}, [{"a": 1}, {"a": 1.0}], event="e")


def test_whether_many_items_are_unique_is_told_at_once() -> None:
    began = time.process_time()

    require_payload({"uniqueItems": True}, [{"orderId": number} for number in range(10_000)], event="e")

    # Where each were compared with each, it would take a minute and more.
    assert time.process_time() - began < 5


@pytest.mark.parametrize("copied", [copy.deepcopy, copy.copy, lambda event: pickle.loads(pickle.dumps(event))])
def test_a_copy_keeps_the_schema_which_makes_it_no_other_asset(copied: Callable[[Any], Any]) -> None:
    event = copied(CompletionEvent("order.paid", schema=ORDER))

    assert event.schema == ORDER
    assert event == CompletionEvent("order.paid")
    assert len({event, CompletionEvent("order.paid")}) == 1


def test_the_api_server_learns_of_it_from_the_dag_that_airflow_keeps() -> None:
    from airflow.sdk import BaseOperator
    from airflow.serialization.serialized_objects import DagSerialization

    event = CompletionEvent("order.paid", schema=ORDER, extra={"owner": "shop"})
    with DAG("d", schedule=event) as dag:
        BaseOperator(task_id="a", outlets=[event])
    kept = DagSerialization.from_dict(json.loads(json.dumps(DagSerialization.to_dict(dag))))

    for asset in (kept.timetable.asset_condition, *kept.get_task("a").outlets):
        assert Declaration.read_from(asset.extra) == Declaration(schema=ORDER)
        assert asset.extra["owner"] == "shop"


@pytest.mark.parametrize("extra", [None, {}, {"completion_event": "mine"}, {"completion_event": {"schema": 5}}, "text"])
def test_an_extra_that_is_somebody_elses_declares_nothing(extra: Any) -> None:
    assert Declaration.read_from(extra) == Declaration()


def test_an_event_without_a_declaration_has_the_extra_that_it_was_given() -> None:
    assert CompletionEvent("order.paid").extra == {}
    assert CompletionEvent("order.paid", extra={"a": 1}).extra == {"a": 1}
