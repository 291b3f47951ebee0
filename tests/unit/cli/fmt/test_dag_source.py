"""A Dag file whose expressions are in one style: what changes in its source, and what does not."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from kit.cel_expressions import expressions, meaning

import airflow_provider_cloudfn
from airflow_provider_cloudfn.authoring import language
from airflow_provider_cloudfn.cli.fmt.dag_source import WrongExpressionsError, formatted_source
from airflow_provider_cloudfn.cli.fmt.string_literal import StringLiteral

IMPORTS = "from airflow_provider_cloudfn import CloudFunctionOperator as Op, cel\n"
EXAMPLES = sorted(Path(airflow_provider_cloudfn.__file__).parents[1].glob("**/example_dags/*.py"))


def written(source: str, width: int = 40) -> str:
    """Return the source of a call in one style, which must stay the same the next time."""
    result = formatted_source(IMPORTS + source, width)
    assert formatted_source(result, width) == result
    return result.removeprefix(IMPORTS)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("""Op(uri='"/a"+params.id')""", """Op(uri='"/a" + params.id')"""),
        ("""Op ( uri = '"/a"+params.id' , x=1)  # as it is""", """Op ( uri = '"/a" + params.id' , x=1)  # as it is"""),
        ("Op(query={'é': 'steps.a+1'}, body='steps.a+1')", "Op(query={'é': 'steps.a + 1'}, body='steps.a + 1')"),
        ("cel('''a+b''')", "cel('''a + b''')"),
        ("cel('a'\n    '+b')", "cel('a + b')"),
        (r'cel("\"a\"+b")', """cel('"a" + b')"""),
        ("cel('a + b')\r\ncel('a+b')", "cel('a + b')\r\ncel('a + b')"),
        ("\fcel('a+b')", "\fcel('a + b')"),
        ("cel('a+b')\n\n", "cel('a + b')\n\n"),
    ],
)
def test_only_the_literals_of_expressions_change(source: str, expected: str) -> None:
    assert written(source) == expected


def test_one_literal_in_one_line_stays_in_its_line() -> None:
    assert written(f"cel('{'a+' * 30}a')") == f"cel('{'a + ' * 30}a')"


def test_three_quotes_have_lines_where_one_is_too_short() -> None:
    assert (
        written('if x:\n    cel("""steps.first.identifier+steps.second.identifier""")')
        == 'if x:\n    cel("""\n        steps.first.identifier\n        + steps.second.identifier\n    """)'
    )


def test_a_map_between_three_quotes_has_its_brackets_at_them() -> None:
    assert (
        written('if x:\n    cel("""{"first":steps.first.id,"second":steps.b}""")')
        == 'if x:\n    cel("""{\n        "first": steps.first.id,\n        "second": steps.b\n    }""")'
    )


def test_three_quotes_have_one_line_where_that_is_long_enough() -> None:
    assert written('cel("""\n  a\n  + b\n""")') == 'cel("""a + b""")'


def test_a_key_begins_with_its_quote_however_long_it_is() -> None:
    key = '"X-" + steps.first.identifier + steps.second.identifier'

    assert written(f"Op(headers={{'''{key}''': '1'}})") == f"Op(headers={{'''{key}''': '1'}})"


def test_literals_in_a_row_are_broken_where_the_expression_is() -> None:
    assert (
        written("x = cel('{\"first\":steps.first.id,' '\"second\": steps.second}')")
        == "x = cel('{'\n        '\"first\": steps.first.id, '\n        '\"second\": steps.second'\n        '}')"
    )


def test_literals_in_a_row_with_a_comment_between_them_stay() -> None:
    source = "cel('a+'  # why\n    'b')"

    assert written(source) == source


def test_a_comment_of_an_expression_keeps_its_line() -> None:
    assert written("cel('a // why\\n+b')") == "cel('a  // why\\n+ b')"
    assert written('cel("""a // why\n+b""")') == 'cel("""\n    a  // why\n    + b\n""")'


def test_the_lines_of_a_file_end_as_they_did() -> None:
    assert written('cel("""{"first":steps.first.id,"second":steps.b}""")\r\n').count("\r\n") == 4


def test_an_expression_that_would_become_json_text_stays() -> None:
    assert written("Op(body='- 1')") == "Op(body='- 1')"
    assert written("Op(body=cel('- 1'))") == "Op(body=cel('-1'))"


@pytest.mark.parametrize(
    ("source", "line", "said"),
    [
        ("\nOp(uri='/v1/charges')", 3, "uri: 1:1: text stands in quotes"),
        ("Op(query={'since': '2024-01-01'})", 2, 'query["since"]: 1:1: 2024-01-01 is arithmetic'),
        ("Op(\nreturns='response.body +')", 3, "returns: 1:16: the expression ends too early"),
        ("Op(uri='\"/a/{{ ds }}\"')", 2, "Jinja means nothing"),
    ],
)
def test_a_wrong_expression_is_named_with_its_place(source: str, line: int, said: str) -> None:
    with pytest.raises(WrongExpressionsError) as raised:
        formatted_source(IMPORTS + source, 88)

    assert raised.value.problems[0][0] == line
    assert said in str(raised.value)


def test_names_that_only_the_dag_knows_are_not_judged() -> None:
    assert written("cel('mine.own+1')") == "cel('mine.own + 1')"


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_the_examples_are_in_this_style(file: Path) -> None:
    source = file.read_text(encoding="utf-8")

    assert formatted_source(source, 120) == source


@given(
    expressions(),
    st.sampled_from(["'", "'''", '"', '"""']),
    st.booleans(),
    st.sampled_from([20, 60]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_whatever_the_literal_it_means_the_same_and_all_else_stays(
    source: str, quotes: str, is_joined: bool, width: int, newline: str
) -> None:
    assume(language.check(source, variables={"a", "b"}).program is not None)
    style = StringLiteral("", quotes, is_joined, is_ascii=False)
    literal = " ".join(style.sources_of([source[:5], source[5:]])) if is_joined else style.source_of(source)

    result = written(f"if x:{newline}    y = [cel({literal}), 1]  # as it is{newline}", width)

    assert result.startswith(f"if x:{newline}    y = [cel(")
    assert result.endswith(f"), 1]  # as it is{newline}")
    call = next(node for node in ast.walk(ast.parse(result)) if isinstance(node, ast.Call))
    assert meaning(ast.literal_eval(call.args[0])) == meaning(source)
