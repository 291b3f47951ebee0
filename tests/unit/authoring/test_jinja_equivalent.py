"""What to write instead of Jinja."""

from __future__ import annotations

import ast
import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.authoring.jinja_equivalent import equivalent

NAMES = ("steps", "inputs", "context", "params", "conf", "run")


def advised(source: str, *, text: bool = False) -> str:
    """Return the expression that is to be written instead of one with Jinja."""
    said = equivalent(source, text=text).removeprefix("write ")
    return ast.literal_eval(said.removeprefix("cel(").removesuffix(")")) if text else said


@pytest.mark.parametrize(
    ("source", "expression"),
    [
        ('{"a": "{{ run_id }}", "b": params.x}', '{"a": run.id, "b": params.x}'),
        ('{"a": {{ params.x }} }', '{"a": params.x }'),
        ('["{{ run_id }}", {{ params.x }}]', "[run.id, params.x]"),
        ('{"a": "x-{{ run_id }}-y"}', '{"a": "x-" + string(run.id) + "-y"}'),
        ("{'a': '{{ run_id }}-{{ params.x }}'}", "{'a': string(run.id) + '-' + string(params.x)}"),
        (r'{"a": "say \"{{ run_id }}\""}', r'{"a": "say \"" + string(run.id) + "\""}'),
        ('{"a": "{{ ti.xcom_pull(task_ids="f") }}"}', '{"a": steps.f}'),
        ('{"{{ run_id }}": 1}', "{run.id: 1}"),
        ('"/v1/{{ run_id }}" + params.x', '"/v1/" + string(run.id) + params.x'),
        ('"a {{ run_id }}".trim()', '("a " + string(run.id)).trim()'),
        ('/v1/?q="{{ run_id }}"', r'"/v1/?q=\"" + string(run.id) + "\""'),
        ("{{ run_id }}-{{ params.x }}", 'string(run.id) + "-" + string(params.x)'),
        ("it's {{ run_id }} o'clock", '"it\'s " + string(run.id) + " o\'clock"'),
    ],
)
def test_what_to_write_instead_of_jinja_is_an_expression(source: str, expression: str):
    assert advised(source) == expression
    cel.compile(expression, variables=NAMES)


@pytest.mark.parametrize(
    ("source", "expression"),
    [
        ("{{ run_id }}", "run.id"),
        ("[{{ run_id }}]", '"[" + string(run.id) + "]"'),
        ('a "b" \\ {{ run_id }}\n', r'"a \"b\" \\ " + string(run.id) + "\n"'),
    ],
)
def test_what_to_write_instead_of_text_with_jinja_is_a_marked_expression(source: str, expression: str):
    assert advised(source, text=True) == expression
    cel.compile(expression, variables=NAMES)


@pytest.mark.parametrize(
    "source",
    ['{"a": "{{ var.value.x }}"}', '{"a" "{{ ds }}"}', '{"a": "{{ ds }}", "b": "{{ x | y }}"}', "{{ params.in }}"],
)
def test_where_there_is_no_such_expression_none_is_made_up(source: str):
    assert equivalent(source).startswith("give what Jinja renders to inputs=")


def test_a_long_text_is_not_repeated():
    assert equivalent(f'{{"a": "{{{{ run_id }}}}", "b": "{"x" * 5_000}"}}') == "write run.id instead of {{ run_id }}"


TEXTS = st.lists(
    st.sampled_from(["{{ run_id }}", "{{params.x}}", "a", '"', "'", "\\", "é", "\n", " "]), max_size=6
).map("".join)
DOCUMENTS = st.recursive(
    TEXTS | st.integers(-9, 9) | st.none(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=6,
)


@given(st.lists(DOCUMENTS, max_size=3) | st.dictionaries(st.sampled_from("abc"), DOCUMENTS))
def test_what_to_write_instead_of_json_with_jinja_gives_what_jinja_would_have(document: Any):
    def rendered(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: rendered(item) for key, item in value.items()}
        if isinstance(value, list):
            return [rendered(item) for item in value]
        return value.replace("{{ run_id }}", "r").replace("{{params.x}}", "p") if isinstance(value, str) else value

    source = json.dumps(document)
    assume("{{" in source and len(source) < 500)
    assert cel.evaluate(advised(source), {"run": {"id": "r"}, "params": {"x": "p"}}) == rendered(document)
