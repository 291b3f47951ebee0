"""Checks: all problems in one report."""

from __future__ import annotations

import pytest

from airflow_provider_cloudfn import cel

NAMES = ("steps", "inputs", "context", "params", "conf", "run")


def problems(source: str) -> list[str]:
    return [problem.message for problem in cel.check(source, variables=NAMES).problems]


def test_all_that_is_wrong_is_in_one_report():
    check = cel.check('stepps.a + inpts.b + frist(1) + "\\q" + [1].mapp(x, y)', variables=NAMES)
    assert [problem.column for problem in check.problems] == [1, 12, 22, 34, 44, 49, 52]
    assert check.program is None


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
        ("len(steps.a)", "unknown function 'len'; did you mean size(x)?"),
        ("abs(1)", "did you mean 'math.abs'?"),
        ("steps.a.avg()", "did you mean double(x.sum()) / double(size(x))?"),
        ("math.sum(steps.a)", "unknown function 'math.sum'; did you mean x.sum()?"),
        ("lists.sum(steps.a)", "unknown function 'lists.sum'; did you mean x.sum()?"),
        ("math.avg(steps.a)", "unknown function 'math.avg'; did you mean double(x.sum()) / double(size(x))?"),
        ("math.min(steps.a)", "unknown function 'math.min'; did you mean math.least(x)?"),
        ("math.tan(1.0)", "unknown function 'math.tan'"),
        ("steps.a.groupBy(b, b.c)", "did you mean x.map(…), or x.filter(y, y.key == …) for one group?"),
        ("steps.a.toMap(b)", "did you mean x.transformMapEntry(i, y, {y.key: y.value})?"),
        ("trim(steps.a)", "unknown function 'trim'; it is called as x.trim(…)"),
        ("steps.a.string()", "unknown method 'string'; it is called as string(x)"),
        ("size(1, 2)", "size() takes 1 argument, got 2"),
        ("None", "write null"),
        ("steps.a and steps.b", "write &&"),
        ("not steps.a", "unexpected 'not'; write !"),
        ("not (steps.a)", "did you mean !x?"),
        ("steps.a is not null", "unexpected 'is not'; write !="),
        ("steps.a not in steps.b", "write !(x in list)"),
        ("steps.a <> 1", "write !="),
        ("steps.a === 1", "write =="),
        ("steps.a ** 2", "write x * x"),
        ("steps.a ?? 1", "write x == null ? … : x, or x.?y.orValue(…)"),
        ("steps.a?.b", "unexpected '?.'; write x.?y"),
        ("[steps.a?.b, 1]", "unexpected '?.'; write x.?y"),
        ("{'a': steps.a?.b == 1}", "unexpected '?.'; write x.?y"),
        ("steps.a?.b == 1", "unexpected '?.'; write x.?y"),
        ("(steps.not", "the expression ends too early; ')' is missing"),
        ("'what?.' +", "the expression ends too early"),
        ("steps.a[0:2]", "list.slice(from, to)"),
        ("steps.a[*].id", "write list.map(x, …)"),
        ("[x for x in steps.a]", "write list.map(x, …)"),
        ("steps.a.map(lambda x: x)", "write the name first"),
        ("steps.a.filter(x => x > 1)", "write the name first"),
        ('f"a"', "are put together as in"),
        ("\u201csteps.a\u201d", "is a curly quote"),
        ("$.id", "a path begins with a variable"),
        ("steps.a.json()", "did you mean json.decode(x)"),
        ("now()", "did you mean run.run_after: no expression reads the clock"),
        ("if(steps.a, 1, 2)", "did you mean condition ? x : y?"),
        ("coalesce(steps.a, 1)", "did you mean x == null ? … : x, or x.?y.orValue(…) where y may be missing?"),
        ("default(steps.a, 1)", "did you mean x.?y.orValue(…)?"),
        ("encodeURIComponent(steps.a)", "did you mean url.encode(x)?"),
        ("JSON.stringify(steps.a)", "did you mean json.encode(x)?"),
        ("steps.a.substr(0, 1)", "did you mean x.substring(from, to)?"),
        ("steps.a.isEmpty()", "did you mean size(x) == 0?"),
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
    assert any(said in problem for problem in problems(source))
