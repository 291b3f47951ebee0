"""What is loaded when, and the parser's saved tables."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.resources import files

import pytest
from kit import cel_grammar as grammar
from kit.cel_tables import dump

from airflow_provider_cloudfn.cel import parser, tables
from airflow_provider_cloudfn.cel.syntax import Binary

HEAVY = ("celpy", "lark", "re2", "pendulum", "regex", "airflow_provider_cloudfn.cel.compiler")


def loaded_after(code: str) -> set[str]:
    script = f"import sys\nfrom airflow_provider_cloudfn import cel\nfrom airflow_provider_cloudfn.authoring import language\n{code}\nprint(*(m for m in {HEAVY!r} if m in sys.modules))"
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    return set(run.stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "",
        "cel('steps.a')",
        "cel.compile('\"/v1/charges\"', variables=['steps'])",
        "language.check('\"/v1/charges\"', variables=['steps'], text=True)",
        "language.check('12', variables=['steps'], text=True)",
        "language.check('{{ ds }}', variables=['steps'], text=True)",
    ],
)
def test_marks_and_plain_literals_load_no_parser(code: str):
    assert loaded_after(code) == set()


def test_an_expression_loads_the_compiler_and_none_of_the_libraries():
    assert loaded_after("cel.check('steps.a', variables=['steps'])") == {"airflow_provider_cloudfn.cel.compiler"}


def test_re2_is_loaded_by_the_first_regular_expression():
    assert "re2" in loaded_after("cel.evaluate('x.matches(\"a\")', {'x': 'a'})")


def test_a_forked_child_has_the_parser_of_its_parent(monkeypatch):
    parser.parse("a + b")
    monkeypatch.setattr(parser, "load", lambda: pytest.fail("loaded again"))
    child = os.fork()
    if child == 0:
        os._exit(0 if isinstance(parser.parse("a.b + c"), Binary) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_the_saved_tables_are_those_of_the_grammar():
    saved = files("airflow_provider_cloudfn.cel").joinpath(tables.FILE).read_text(encoding="utf-8")
    assert saved == dump(), "run tests/kit/cel_tables.py"


def test_the_grammar_is_that_of_cel_python_but_for_what_is_listed():
    text = grammar.derive()
    assert 'relation_lt: relation "<"' in text
    assert all(f"{name.split('.')[0]}" in text for name in grammar.DEFINITIONS)


def test_a_cel_python_whose_grammar_is_another_is_refused_with_the_reason(monkeypatch):
    monkeypatch.setitem(grammar.KEPT, "", "no_such_rule")
    with pytest.raises(RuntimeError, match="no_such_rule"):
        grammar.derive()
