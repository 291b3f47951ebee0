"""Checks at parse time: all problems in one report, bare text, and Jinja."""

from __future__ import annotations

import ast
import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.cel.jinja import equivalent

NAMES = ("steps", "inputs", "context", "params", "conf", "run")


def problems(source: str, *, text: bool = True) -> list[str]:
    return [problem.message for problem in cel.check(source, variables=NAMES, text=text).problems]


@pytest.mark.parametrize(
    "source",
    [
        '"/v1/charges"',
        "'a'",
        'r"\\d"',
        '"""a"""',
        "true",
        "false",
        "null",
        "12",
        "-12",
        "1.5",
        "run.idempotency_key",
        '"/v1/orders/" + url.encode(params.order_id)',
        "inputs.since - duration('24h')",
    ],
)
def test_what_is_meant_as_an_expression_passes(source: str):
    check = cel.check(source, variables=NAMES, text=True)
    assert check.problems == ()
    assert check.program is cel.compile(source, variables=NAMES)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("2024-01-01", "2024-01-01 is arithmetic (= 2022); write '\"2024-01-01\"'"),
        ("1.50", "1.50 is a number, which is sent as 1.5; write '\"1.50\"'"),
        ("0x10", "0x10 is a number, which is sent as 16; write '\"0x10\"'"),
        ("1u", "1u is a number, which is sent as 1; write '\"1u\"'"),
        ('"a" + "b"', '"a" + "b" reads no variable, so its text is known: write \'"ab"\''),
        ('duration("1h")', "write '\"3600s\"'"),
        ("[1]", "[1] reads no variable and has no text"),
        ("1 / 0", "1 / 0 reads no variable and has no text"),
        ("/v1/charges", "text stands in quotes: write '\"/v1/charges\"'"),
        ("application/json", "text stands in quotes: write '\"application/json\"'"),
        ("production", "text stands in quotes: write '\"production\"'"),
        ("Bearer abc", "text stands in quotes: write '\"Bearer abc\"'"),
    ],
)
def test_text_without_quotes_is_told_to_have_them(source: str, said: str):
    (problem,) = problems(source)
    assert said in problem


@pytest.mark.parametrize("source", ["2024-01-01", "[1]", '{"a": 1}', '"a" + "b"', "1 / 0"])
def test_constants_are_fine_where_text_is_not_usual(source: str):
    assert problems(source, text=False) == []


def test_all_that_is_wrong_is_in_one_report():
    check = cel.check('stepps.a + inpts.b + frist(1) + "\\q" + [1].mapp(x, y)', variables=NAMES)
    assert [problem.column for problem in check.problems] == [1, 12, 22, 34, 44, 49, 52]
    assert check.program is None


@pytest.mark.parametrize(
    ("source", "remedy"),
    [
        ("{{ params.x }}", "write params.x,"),
        ("{{ dag_run.conf.a.b }}", "write conf.a.b,"),
        ('"{{ ds }}"', 'write time.format(run.logical_date, "%Y-%m-%d"),'),
        ("{{ ti.xcom_pull(task_ids='fetch') }}", "write steps.fetch,"),
        ('{{ ti.xcom_pull("group.fetch") }}', 'write steps["group.fetch"],'),
        ('"/v1/{{ params.id }}/{{ run_id }}/x"', 'write "/v1/" + string(params.id) + "/" + string(run.id) + "/x",'),
        ("/v1/{{ params.id }}", 'write "/v1/" + string(params.id),'),
        ("{{ var.value.token }}", "give what Jinja renders to inputs="),
        ("{% if a %}b{% endif %}", "write a condition as a ? b : c"),
        ("{# note #}", "CEL"),
    ],
)
@pytest.mark.parametrize("text", [True, False])
def test_jinja_is_refused_with_what_to_write_instead(source: str, remedy: str, text: bool):
    (problem,) = problems(source, text=text)
    assert remedy in problem
    assert 'lit("…")' in problem


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


def test_what_is_read_is_known_whatever_else_is_wrong():
    check = cel.check('{"a": steps.a, "b": parms.x.y, "c": "\\q", "d": has(run.b)}', variables=NAMES)
    assert check.program is None
    assert check.references == (
        cel.Reference(("steps", "a"), 1, 7),
        cel.Reference(("run", "b"), 1, 52, asked=True),
    )
    assert check.unknown == (cel.Reference(("parms", "x", "y"), 1, 21),)


@pytest.mark.parametrize(
    ("source", "asked"),
    [
        ("run.a", False),
        ('run["a"].b', False),
        ("has(run.a)", True),
        ("run.?a", True),
        ('run[?"a"]', True),
    ],
)
def test_a_reference_tells_whether_its_last_field_is_only_asked_for(source: str, asked: bool):
    (reference,) = cel.check(source, variables=NAMES).references
    assert reference.asked is asked


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("stepz.a", "unknown name 'stepz'; did you mean 'steps'?"),
        ("nonsense", "known are conf, context, inputs, params, run, steps"),
        ("steps.fetch-order", 'a name with a dash is quoted: write steps["fetch-order"]'),
        ("steps.fetch-the-order.id", 'write steps["fetch-the-order"].id'),
        ("steps.a.strim()", "unknown method 'strim'; did you mean 'trim'?"),
        ("steps.a.toLowerAscii()", "did you mean 'lowerAscii'?"),
        ("mth.abs(1)", "unknown function 'mth.abs'; did you mean 'math.abs'?"),
        ("trim(steps.a)", "unknown function 'trim'; it is called as x.trim(…)"),
        ("steps.a.string()", "unknown method 'string'; it is called as string(x)"),
        ("size(1, 2)", "size() takes 1 arguments, got 2"),
        ("None", "write null"),
        ("steps.a and steps.b", "write &&"),
        ("not steps.a", "write !"),
        ("steps.a if steps.b else 1", "write condition ? a : b"),
        ("steps.a = 1", "'=' is no operator; write '=='"),
        ("Msg{a: 1}", "write a map"),
        ("math", "as the beginning of a function"),
        ("steps.a(", "')' is missing"),
        ("steps.a steps.b", "an operator or a comma is missing before it"),
        ('"abc', 'the text that begins here is not closed; end it with "'),
        ("", "the expression is empty"),
    ],
)
def test_an_error_says_what_to_write(source: str, said: str):
    assert any(said in problem for problem in problems(source, text=False))
