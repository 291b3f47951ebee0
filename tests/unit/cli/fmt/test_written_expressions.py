"""Which texts of a Dag file are expressions, and which are left alone."""

from __future__ import annotations

import ast

import pytest

from airflow_provider_cloudfn.cli.fmt.written_expressions import written_expressions

IMPORTS = """
import airflow_provider_cloudfn as cf
from airflow.sdk import task
from airflow_provider_cloudfn import CloudFunctionOperator, CloudFunctionSensor, Confirm, Emit, EmporixStartOperator
from airflow_provider_cloudfn import ForEach, Pages, Poll, cel, lit
from airflow_provider_cloudfn.operators.cloudfn import CloudFunctionOperator as Op
"""


def found(source: str) -> list[str]:
    return [one.source for one in written_expressions(ast.parse(IMPORTS + source))]


@pytest.mark.parametrize(
    "call",
    [
        "CloudFunctionOperator(task_id='t', uri='x')",
        "Op(uri='x')",
        "cf.CloudFunctionOperator(uri='x')",
        "Op(query={'a': 'x'})",
        "Op(headers={'a': ['x']})",
        "Op(body='x')",
        "Op(body={'a': cel('x')})",
        "Op(event_payload='x')",
        "Op(completion_events={'a': 'x'})",
        "Op(completion_events={EVENT: Emit(when='x')})",
        "Op(returns={'a': cel('x'), 'b': KNOWN_LATER})",
        "Op(for_each=ForEach('x', concurrency=KNOWN_LATER))",
        "ForEach('x')",
        "ForEach.lines('x')",
        "Op(pages=Pages.cursor('x', query='cursor', max_pages=KNOWN_LATER))",
        "Pages.custom('x')",
        "Poll(done_when='x')",
        "Poll.location(query={'a': 'x'})",
        "cf.Confirm(uri='x', done_when=KNOWN_LATER)",
        "Op.partial(task_id='t', uri='x')",
        "Op.partial(task_id='t').expand(uri=['x'])",
        "Op.partial(task_id='t').expand_kwargs([{'uri': 'x'}])",
        "CloudFunctionSensor(task_id='t', uri='x')",
        "EmporixStartOperator(event_type='a', payload=cel('x'))",
        "cel('x')",
        "cf.cel('x')",
        "@task.cloudfn(uri='x')\ndef f(): ...",
    ],
)
def test_a_literal_that_is_read_as_an_expression_is_one(call: str) -> None:
    assert found(call) == ["x"]


@pytest.mark.parametrize(
    "call",
    [
        "Op(task_id='x', method='x', cloudfn_conn_id='x', inputs='x', response_file='x')",
        "Op(uri=lit('x'), query={'x': lit('x')}, body={'x': 'x'})",
        "Op(body='{\"x\": 1}', event_payload='[1]')",
        "Op(uri=f'x', headers={'a': 'x' + y}, body=NAME)",
        "Op(**{'uri': 'x'})",
        "Op.partial(task_id='t').expand(inputs=['x'])",
        "Op.partial(task_id='t').expand(uri=steps())",
        "EmporixStartOperator(event_type='x', payload={'a': 'x'})",
        "Pages.page_number(query='x')",
        "Poll.google(every='x')",
        "@task.python(uri='x')\ndef f(): ...",
        "Other(uri='x')",
        "f'{cel(\"x\")}'",
    ],
)
def test_anything_else_is_left_alone(call: str) -> None:
    assert found(call) == []


@pytest.mark.parametrize(
    "source",
    [
        "from somewhere import CloudFunctionOperator\nCloudFunctionOperator(uri='x')",
        "import somewhere as cf\ncf.cel('x')",
        "from .airflow_provider_cloudfn import cel\ncel('x')",
        "from airflow_provider_cloudfn import cel\ndef cel(text): ...\ncel('x')",
        "from airflow_provider_cloudfn import cel\ncel = str\ncel('x')",
        "from airflow_provider_cloudfn import cel\n(lambda cel: cel('x'))(str)",
        "from airflow_provider_cloudfn.cel import compile\ncompile('x')",
        "from airflow_provider_cloudfn import cel\nfrom .own import cel\ncel('x')",
        "try:\n  from own import cel\nexcept ImportError:\n  from airflow_provider_cloudfn import cel\ncel('x')",
        "from airflow_provider_cloudfn import cel\ntry: ...\nexcept Exception as cel: cel('x')",
        "from airflow_provider_cloudfn import cel\nmatch y:\n  case [*cel]: cel('x')",
        "from airflow_provider_cloudfn import cel\nmatch y:\n  case {**cel}: cel('x')",
        "from airflow_provider_cloudfn import cel\nfrom somewhere import cel\ncel('x')",
        "from somewhere import cel\nfrom airflow_provider_cloudfn import cel\ncel('x')",
        "from airflow_provider_cloudfn import cel\nfrom somewhere import *\ncel('x')",
        "from airflow_provider_cloudfn import cel\ntry: ...\nexcept Error as cel:\n    cel('x')",
        "from airflow_provider_cloudfn import cel\nmatch a:\n    case [*cel]:\n        cel('x')",
        "from airflow_provider_cloudfn import cel\nmatch a:\n    case {**cel}:\n        cel('x')",
        "from airflow_provider_cloudfn import cel\nmatch a:\n    case cel:\n        cel('x')",
    ],
)
def test_a_name_that_is_not_surely_ours_is_not_ours(source: str) -> None:
    assert written_expressions(ast.parse(source)) == []


def test_a_name_of_airflow_s_may_have_two_homes() -> None:
    source = "from airflow.decorators import task\n@task.cloudfn(uri='x')\ndef f(): ..."

    assert found(source) == ["x"]


@pytest.mark.parametrize(
    "source",
    [
        "from somewhere import *\nfrom airflow_provider_cloudfn import cel\ncel('x')",
        "from airflow_provider_cloudfn import cel\nfrom airflow_provider_cloudfn import *\ncel('x')",
        "try: from airflow.sdk import task\nexcept A: from airflow.decorators import task\n@task.cloudfn(uri='x')\ndef f(): 1",
    ],
)
def test_a_name_that_is_surely_ours_is_ours(source: str) -> None:
    assert [one.source for one in written_expressions(ast.parse(source))] == ["x"]


def test_a_key_that_begins_with_a_quote_is_an_expression() -> None:
    assert found("Op(query={'\"x\"': 1, 'y': 2})") == ['"x"']


def test_they_come_in_the_order_of_the_file() -> None:
    assert found("Op(\n uri='a',\n pages=Pages.next_link('b'),\n returns='c')\ncel('d')") == ["a", "b", "c", "d"]
