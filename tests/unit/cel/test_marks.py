"""The marks ``cel("…")`` and ``lit("…")``, and the package that is a function."""

from __future__ import annotations

import copy
import pickle

import pytest

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.cel import Expression, Literal, lit


def test_the_package_itself_marks_an_expression():
    assert cel("a.b") == Expression("a.b")
    assert str(cel("a.b")) == "a.b"
    assert repr(cel("a.b")) == "cel('a.b')"


def test_lit_marks_text():
    assert lit("a") == Literal("a")
    assert str(lit("a")) == "a"
    assert repr(lit("a")) == "lit('a')"


@pytest.mark.parametrize("mark", [cel("x"), lit("x")])
def test_a_mark_survives_copies_and_processes(mark: object):
    for twin in (copy.copy(mark), copy.deepcopy(mark), pickle.loads(pickle.dumps(mark))):
        assert twin == mark
        assert hash(twin) == hash(mark)


def test_the_marks_differ_from_each_other_and_from_text():
    assert len({cel("x"), lit("x"), "x"}) == 3


@pytest.mark.parametrize("mark", [cel("x"), lit("x")])
def test_a_mark_can_not_be_changed(mark: object):
    with pytest.raises(AttributeError):
        setattr(mark, "source" if isinstance(mark, Expression) else "text", "y")


@pytest.mark.parametrize("mark", [cel, lit])
def test_only_text_can_be_marked(mark):
    with pytest.raises(TypeError, match="text"):
        mark(5)
