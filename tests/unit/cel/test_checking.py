"""Checks at parse time: all problems in one report, bare text, and Jinja."""

from __future__ import annotations

import pytest

from airflow_provider_cloudfn import cel

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
