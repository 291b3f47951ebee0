"""Which text in a parameter is an expression, and which is text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_cloudfn import cel, lit, secret
from airflow_provider_cloudfn.authoring.parameter import Parameter, Reading
from airflow_provider_cloudfn.authoring.reading import read
from airflow_provider_cloudfn.authoring.written import Renderer, Written, Wrong, formulas, parts, renderer, resolved
from airflow_provider_cloudfn.exceptions import ExpressionError

if TYPE_CHECKING:
    from collections.abc import Callable

URI = Parameter("uri", Reading.TEXT)
QUERY = Parameter("query", Reading.PAIRS)
BODY = Parameter("body", Reading.DOCUMENT, takes_secrets=True)
RETURNS = Parameter("returns", Reading.VALUE)
PAYLOAD = Parameter("payload", Reading.MARKED)
AFTER = Parameter("returns", Reading.VALUE, after_call=True)
EVENT_PAYLOAD = Parameter("event_payload", Reading.DOCUMENT, after_call=True)
SUCCESS = Parameter("success_when", Reading.CONDITION, after_call=True)


class Reference:
    """Stands for an XComArg."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def resolve(self, context: Any) -> Any:
        return self.value


def rendered(field: Parameter, value: Any) -> Any:
    """Return the value, with ``<source>`` for each expression."""
    return render(resolved(read(field, value), lambda found: found.resolve(None)), lambda source: f"<{source}>")


def render(node: Written, evaluate: Callable[[str], Any]) -> Any:
    """Return what becomes of a node, given what each of its expressions gives."""

    def evaluation(source: str) -> Renderer:
        return lambda _: evaluate(source)

    return renderer(node, evaluation)({})


@pytest.mark.parametrize(
    ("field", "value", "result"),
    [
        (URI, '"/v1"', '<"/v1">'),
        (URI, cel("inputs.path"), "<inputs.path>"),
        (URI, lit("/v1"), "/v1"),
        (URI, Reference("inputs.path"), "inputs.path"),
        (QUERY, None, None),
        (QUERY, {"a": '"b"'}, {"a": '<"b">'}),
        (QUERY, {'"a"': '"b"'}, {'<"a">': '<"b">'}),
        (QUERY, {"a": 5, "b": None, "c": True}, {"a": 5, "b": None, "c": True}),
        (QUERY, {"tag": ['"a"', lit("b"), 3]}, {"tag": ['<"a">', "b", 3]}),
        (QUERY, {"a": Reference("steps.x")}, {"a": "steps.x"}),
        (QUERY, "inputs", "<inputs>"),
        (QUERY, Reference({"a": "run.id"}), {"a": "run.id"}),
        (BODY, '{"a": steps.x}', '<{"a": steps.x}>'),
        (BODY, ' {"a": [1, 2.5, null]} ', {"a": [1, 2.5, None]}),
        (BODY, {"a": "run.id", "b": [cel("run.id"), lit("{{ x }}")]}, {"a": "run.id", "b": ["<run.id>", "{{ x }}"]}),
        (BODY, {"a": Reference([1])}, {"a": [1]}),
        (BODY, b"\x00", b"\x00"),
        (BODY, lit('{"a": "{{ x }}"}'), '{"a": "{{ x }}"}'),
        (BODY, {lit("{{ x }}"): 1, cel("run.id"): {lit("b"): 2}}, {"{{ x }}": 1, "<run.id>": {"b": 2}}),
        (QUERY, {lit("{{ x }}"): '"b"'}, {"{{ x }}": '<"b">'}),
        (RETURNS, "response.body", "<response.body>"),
        (RETURNS, {"id": cel("response.body.id"), "of": ["x", 1]}, {"id": "<response.body.id>", "of": ["x", 1]}),
        (RETURNS, 5, 5),
        (SUCCESS, "response.status == 200", "<response.status == 200>"),
        (SUCCESS, cel("response.status == 200"), "<response.status == 200>"),
        (SUCCESS, True, True),
        (PAYLOAD, "run.id", "run.id"),
        (PAYLOAD, {"a": {"b": cel("run.id")}, "c": "{{ ds }}"}, {"a": {"b": "<run.id>"}, "c": "{{ ds }}"}),
        (PAYLOAD, '{"a": "{{ ds }}"}', '{"a": "{{ ds }}"}'),
        (PAYLOAD, {"{{ ds }}": 1}, {"{{ ds }}": 1}),
    ],
)
def test_a_value_is_read_by_the_rule_of_its_parameter(field: Parameter, value: Any, result: Any) -> None:
    assert rendered(field, value) == result


@pytest.mark.parametrize(
    ("field", "value", "labels"),
    [
        (URI, '"/v1"', ["uri"]),
        (
            QUERY,
            {"a": "run.id", '"b"': ["run.id", "run.id"]},
            ['query["a"]', "query key '\"b\"'", 'query["b"][0]', 'query["b"][1]'],
        ),
        (BODY, {"a": {"b c": [cel("run.id")]}}, ['body.a["b c"][0]']),
    ],
)
def test_an_expression_is_named_by_its_place(field: Parameter, value: Any, labels: list[str]) -> None:
    assert [formula.label for formula in formulas(read(field, value))] == labels


@pytest.mark.parametrize(
    ("field", "value", "label", "message"),
    [
        (QUERY, ["a"], "query", "must be a dict or an expression that gives a map, not a list"),
        (QUERY, {5: '"a"'}, "query key 5", "a name is text, not an integer"),
        (BODY, {"a": ["{{ ds }}"]}, "body.a[0]", "Jinja"),
        (BODY, {"a": "{% if x %}"}, "body.a", "Jinja"),
        (BODY, {"a": "{{ run_id }}"}, "body.a", "write cel('run.id'); or mark it as text: lit(…)"),
        (
            BODY,
            {"a": {"{{ run_id }}": 1}},
            "body.a key '{{ run_id }}'",
            "write cel('run.id'); or mark it as text: lit(…)",
        ),
        (
            BODY,
            '{"a": "{{ run_id }}", "b": 1}',
            "body",
            'write {"a": run.id, "b": 1}; if the braces are meant, write a dict',
        ),
        (BODY, '["{{ run_id }}"]', "body", "write [run.id]; if the braces are meant"),
        (BODY, '{"{{ run_id }}": 1}', "body", "write {run.id: 1}; if the braces are meant"),
        (BODY, '"{{ run_id }}"', "body", "write cel('run.id'); or mark it as text: lit(…)"),
        (QUERY, {"{{ run_id }}": '"x"'}, "query key '{{ run_id }}'", "write cel('run.id'); or mark it as text: lit(…)"),
        (
            SUCCESS,
            len,
            "success_when",
            "must be an expression that is true or false, not a value of type builtin_function_or_method",
        ),
        (SUCCESS, 200, "success_when", "must be an expression that is true or false, not an integer"),
        (
            SUCCESS,
            lit("true"),
            "success_when",
            "must be an expression that is true or false, not a value of type Literal",
        ),
        (SUCCESS, {"a": "b"}, "success_when", "must be an expression that is true or false, not a map"),
        (AFTER, len, "returns", "a value of type builtin_function_or_method can't be written as JSON"),
        (AFTER, {"a": [cel("response.body"), {"b": len}]}, "returns", "can't be written as JSON"),
        (AFTER, {"a": float("nan")}, "returns", "NaN"),
        (AFTER, {1: cel("response.body")}, "returns", "a name is text, not an integer"),
        (AFTER, {"a": "{{ run_id }}"}, "returns.a", "Jinja"),
        (AFTER, {"a": Reference(1)}, "returns", "is evaluated after the call"),
        (EVENT_PAYLOAD, {"a": len}, "event_payload", "can't be written as JSON"),
    ],
)
def test_what_cannot_stand_there_is_refused(field: Parameter, value: Any, label: str, message: str) -> None:
    (refusal,) = (part for part in parts(read(field, value)) if isinstance(part, Wrong))

    assert refusal.label == label
    assert message in refusal.message
    with pytest.raises(ExpressionError, match=re.escape(message)):
        rendered(field, value)


def test_an_error_names_the_field_of_its_expression() -> None:
    def evaluate(source: str) -> Any:
        raise ExpressionError("no such step")

    with pytest.raises(ExpressionError, match=r'^query\["a"\]: no such step'):
        render(read(QUERY, {"a": "steps.x"}), evaluate)


def test_json_text_with_what_is_no_json_is_an_expression() -> None:
    assert [formula.source for formula in formulas(read(BODY, '{"a": NaN}'))] == ['{"a": NaN}']


@pytest.mark.parametrize(("value", "result"), [(cel.Optional("a"), "a"), (cel.Optional(), None)])
def test_an_optional_is_its_value_or_null(value: Any, result: Any) -> None:
    assert render(read(QUERY, {"a": "x.?y"}), lambda source: value) == {"a": result}


def test_a_key_that_turns_out_no_name_is_refused() -> None:
    with pytest.raises(ExpressionError, match=r"^query key cel\('steps.x'\): a name is text, not a list"):
        render(read(QUERY, {cel("steps.x"): "1"}), lambda source: [1])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (URI, secret("key")),
        (RETURNS, {"key": secret("key")}),
        (AFTER, secret("key")),
        (PAYLOAD, {"a": [{"key": secret("key")}]}),
        (EVENT_PAYLOAD, {"key": secret("key")}),
        (Parameter("payload", Reading.DOCUMENT), {"key": secret("key")}),
        (Parameter("inputs", Reading.MARKED), {"key": secret("key")}),
    ],
)
def test_a_secret_is_refused_where_it_is_not_filled_in(field: Parameter, value: Any) -> None:
    with pytest.raises(ExpressionError, match="query, headers or body of a cloud function"):
        rendered(field, value)


@pytest.mark.parametrize(
    ("field", "value"),
    [(QUERY, {"key": secret("key")}), (BODY, {"key": [secret("key")]}), (BODY, secret("key"))],
)
def test_a_secret_stays_one_where_it_is_filled_in_at_sending(field: Parameter, value: Any) -> None:
    assert rendered(field, value) == value
