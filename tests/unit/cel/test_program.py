"""Programs: what they report, that they are kept, and that many threads can use one."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.exceptions import ExpressionError


@pytest.mark.parametrize(
    ("source", "paths"),
    [
        ("steps.fetch.order_id", {("steps", "fetch", "order_id")}),
        ('steps["group.task"].x', {("steps", "group.task", "x")}),
        ("steps.a.list[0].id", {("steps", "a", "list")}),
        ("steps[inputs.name].id", {("steps",), ("inputs", "name")}),
        ("has(steps.a.b)", {("steps", "a", "b")}),
        ("steps.?a.b", {("steps", "a")}),
        ('steps[?"a"].b', {("steps", "a")}),
        ("steps.a.map(x, x.id + inputs.b)", {("steps", "a"), ("inputs", "b")}),
        ("steps.a.size() + size(inputs)", {("steps", "a"), ("inputs",)}),
        ("[1].map(steps, steps.a)", set()),
        ("[1].map(steps, .steps.a)", {("steps", "a")}),
        ("math.abs(-1)", set()),
        ('"steps.a"', set()),
    ],
)
def test_a_program_knows_the_paths_that_it_reads(source: str, paths: set[tuple[str, ...]]):
    program = cel.compile(source, variables=["steps", "inputs"])
    assert program.paths == paths
    assert program.names == {path[0] for path in paths}
    assert program.is_constant is not bool(paths)


def test_a_program_knows_where_it_reads_each():
    program = cel.compile('"a" +\n  steps.x + steps.y', variables=["steps"])
    assert program.references == (cel.Reference(("steps", "x"), 2, 3), cel.Reference(("steps", "y"), 2, 13))


def test_a_program_is_kept_by_its_source_and_names():
    program = cel.compile("x + 1", variables=["x", "y"])
    assert cel.compile("x + 1", variables=("y", "x")) is program
    assert cel.compile("x + 1", variables=["x"]) is not program
    assert pickle.loads(pickle.dumps(program)) is program
    assert copy.deepcopy(program) is program


def test_a_program_can_not_be_changed():
    program = cel.compile("x", variables=["x"])
    with pytest.raises(AttributeError):
        program.source = "y"


def test_names_may_have_dots():
    program = cel.compile("a.b.c", variables=["a.b", "a"])
    assert program.evaluate({"a.b": {"c": 1}, "a": None}) == 1
    assert cel.compile("y", variables=["x.y", "y"], container="x").evaluate({"x.y": 1, "y": 2}) == 1


def test_a_declared_variable_that_is_not_given_is_an_error():
    with pytest.raises(ExpressionError, match="the variable 'x' is not there"):
        cel.compile("x", variables=["x"]).evaluate({})


@pytest.mark.parametrize("source", [None, 5, b"x"])
def test_only_text_is_an_expression(source: object):
    with pytest.raises(TypeError, match="an expression is text"):
        cel.compile(source, variables=())  # type: ignore[arg-type]  # that is the point


def test_many_threads_can_share_a_program():
    program = cel.compile(
        "items.filter(i, i.n % k == 0).map(i, {'n': i.n, 'k': [k].map(x, x)[0]})", variables=["items", "k"]
    )
    items = [{"n": n} for n in range(200)]

    def run(k: int) -> bool:
        return program.evaluate({"items": items, "k": k}) == [{"n": n, "k": k} for n in range(200) if n % k == 0]

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(run, [1, 2, 3, 5, 7] * 40))


def test_many_threads_can_compile_at_once():
    sources = [f"x + {n} * (y - {n})" for n in range(200)]

    def run(source: str) -> object:
        return cel.compile(source, variables=["x", "y"]).evaluate({"x": 1, "y": 1})

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(run, sources)) == [1 + n * (1 - n) for n in range(200)]


@pytest.mark.parametrize(
    ("source", "leads_nowhere"),
    [
        ("x.a", False),
        ("x.b", True),
        ('x["b"].c.d', True),
        ("x.n", True),
        ("x.n.deep", True),
        ("x.list.b", False),
        ("x.b + 1", False),
        ("x.?b", False),
        ("[x.b]", False),
        ("1", False),
    ],
)
def test_a_path_can_lead_nowhere(source: str, leads_nowhere: bool) -> None:
    program = cel.compile(source, variables={"x"})

    assert program.leads_nowhere({"x": {"a": 1, "n": None, "list": [1]}}) is leads_nowhere
