"""What is loaded when, and the parser's saved tables."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.resources import files

import lark
import pytest

from airflow_provider_cloudfn.cel import grammar, tables
from airflow_provider_cloudfn.cel.parser import TreeBuilder, parse

HEAVY = ("celpy", "lark", "re2", "pendulum", "regex", "airflow_provider_cloudfn.cel.compiler")


def loaded_after(code: str) -> set[str]:
    script = f"import sys\nfrom airflow_provider_cloudfn import cel\n{code}\nprint(*(m for m in {HEAVY!r} if m in sys.modules))"
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    return set(run.stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "",
        "cel('steps.a')",
        "cel.compile('\"/v1/charges\"', variables=['steps'])",
        "cel.check('\"/v1/charges\"', variables=['steps'], text=True)",
        "cel.check('12', variables=['steps'], text=True)",
        "cel.check('{{ ds }}', variables=['steps'], text=True)",
    ],
)
def test_marks_and_plain_literals_load_no_parser(code: str):
    assert loaded_after(code) == set()


def test_an_expression_loads_lark_but_neither_celpy_nor_re2():
    assert loaded_after("cel.check('steps.a', variables=['steps'])") & {"celpy", "re2", "pendulum", "lark"} == {"lark"}


def test_re2_is_loaded_by_the_first_regular_expression():
    assert "re2" in loaded_after("cel.evaluate('x.matches(\"a\")', {'x': 'a'})")


def test_a_forked_child_has_the_parser_of_its_parent():
    parse("a + b")
    builds = []
    original = grammar.build
    grammar.build = lambda *args: builds.append(args) or original(*args)  # type: ignore[assignment]  # to see calls
    try:
        child = os.fork()
        if child == 0:
            parse("a.b + c")
            os._exit(1 if builds else 0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        grammar.build = original


def test_the_saved_tables_are_those_of_the_grammar():
    assert lark.__version__ in tables.LARK_VERSIONS
    saved = files("airflow_provider_cloudfn.cel").joinpath(tables.FILE).read_text(encoding="utf-8")
    assert saved == tables.dump(), "run python -m airflow_provider_cloudfn.cel.tables"


def test_the_saved_tables_are_plain_data():
    saved = files("airflow_provider_cloudfn.cel").joinpath(tables.FILE).read_text(encoding="utf-8")
    assert set(json.loads(saved)) == {"data", "memo"}


def test_with_another_lark_the_parser_is_built_from_the_grammar(monkeypatch):
    monkeypatch.setattr(lark, "__version__", "0.0")
    parser = tables.load(TreeBuilder())
    assert parser.parse("a + 1").operator == "+"


def test_the_grammar_is_that_of_cel_python_but_for_what_is_listed():
    text = grammar.derive()
    assert 'relation_lt: relation "<"' in text
    assert all(f"{name.split('.')[0]}" in text for name in grammar.DEFINITIONS)


def test_a_cel_python_whose_grammar_is_another_is_refused_with_the_reason(monkeypatch):
    monkeypatch.setitem(grammar.KEPT, "no_such_rule", "")
    with pytest.raises(RuntimeError, match="no_such_rule"):
        grammar.derive()
