"""The language of a Dag author's expressions: bare text, Jinja, and what it has besides CEL."""

from __future__ import annotations

import pickle

import pytest

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.authoring import language
from airflow_provider_cloudfn.exceptions import ExpressionError

NAMES = ("steps", "inputs", "context", "params", "conf", "run")


def problems(source: str, *, text: bool = True) -> list[str]:
    return [problem.message for problem in language.check(source, variables=NAMES, text=text).problems]


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
        "1.50",
        "run.idempotency_key",
        '"/v1/orders/" + url.encode(params.order_id)',
        "inputs.since - duration('24h')",
    ],
)
def test_what_is_meant_as_an_expression_passes(source: str):
    check = language.check(source, variables=NAMES, text=True)
    assert check.problems == ()
    assert check.program is language.compile(source, variables=NAMES)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("2024-01-01", "2024-01-01 is arithmetic (= 2022); write '\"2024-01-01\"'"),
        ("1e3", "1e3 is a number, which is sent as 1000; write '\"1e3\"'"),
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


@pytest.mark.parametrize(
    ("source", "remedy"),
    [
        ("{{ params.x }}", "write params.x,"),
        ("{{ dag_run.conf.a.b }}", "write conf.a.b,"),
        ('"{{ ds }}"', 'write time.format(run.logical_date, "%Y-%m-%d"),'),
        ("{{ ti.xcom_pull(task_ids='fetch') }}", "write steps.fetch,"),
        ('{{ ti.xcom_pull("group.fetch") }}', 'write steps["group.fetch"],'),
        ('{{ ti.xcom_pull(task_ids="fetch")["id"] }}', 'write steps.fetch["id"],'),
        ("{{ ti.xcom_pull('fetch').items[0]['a b'] }}", "write steps.fetch.items[0]['a b'],"),
        ('{{ dag_run.conf["x"] }}', 'write conf["x"],'),
        ('{{ params["order-id"] }}', 'write params["order-id"],'),
        ('{{ dag_run.conf.get("x") }}', "give what Jinja renders to inputs="),
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


def test_the_event_path_of_the_documents_reads_the_context():
    context = {"charge.created": {"order": {"id": "1001"}}}
    program = language.compile('contextEventPath("charge.created:order.id")', variables=["context"])
    assert program.evaluate({"context": context}) == "1001"
    assert program.paths == {("context", "charge.created", "order", "id")}


@pytest.mark.parametrize("argument", ["", '"no colon"', '":a"', '"a:"', '"a:b..c"', "context"])
def test_the_event_path_takes_one_quoted_text(argument: str):
    with pytest.raises(ExpressionError, match="contextEventPath"):
        language.compile(f"contextEventPath({argument})", variables=["context"])


def test_a_program_with_an_event_path_can_be_pickled():
    program = language.compile('contextEventPath("a:b")', variables=["context"])
    assert pickle.loads(pickle.dumps(program)) is program


def test_what_is_ours_is_unknown_to_cel_alone():
    with pytest.raises(ExpressionError, match="unknown function 'contextEventPath'"):
        cel.compile('contextEventPath("a:b")', variables=["context"])
