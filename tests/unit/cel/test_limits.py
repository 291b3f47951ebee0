"""Hostile expressions and hostile data end soon, in little memory, with an error that says which limit."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import pytest

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.exceptions import ExpressionError, ExpressionLimitError

BIG = "a" * 5_000_000
CYCLE: list[Any] = []
CYCLE.append(CYCLE)
VALUES: dict[str, Any] = {
    "big": BIG,
    "twin": "a" * 4_999_999 + "b",
    "data": b"x" * 5_000_000,
    "n": list(range(1_000)),
    "cycle": CYCLE,
    "huge": 10**5_000,
    "ones": {True: 1} | dict.fromkeys(range(2, 1_000), 0),
    "pattern": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!",
}


def doubled(name: str, start: str) -> str:
    """An expression that doubles a value forty times."""
    return (
        f"cel.bind(v0, {start}, " + "".join(f"cel.bind(v{i + 1}, v{i} + v{i}, " for i in range(40)) + "v40" + ")" * 41
    )


HOSTILE = {
    "a long source": "1" + " " * 70_000,
    "parentheses": "(" * 20_000 + "1" + ")" * 20_000,
    "lists in lists": "[" * 20_000 + "]" * 20_000,
    "calls in calls": "string(" * 5_000 + "1" + ")" * 5_000,
    "a long sum": "+".join("1" for _ in range(20_000)),
    "signs": "-" * 20_000 + "n[0]",
    "fields": "n" + ".a" * 20_000,
    "loops in loops": "n.map(a, n.map(b, n.map(c, a + b + c)))",
    "loops that find nothing": "n.all(a, n.all(b, n.all(c, n.all(d, true))))",
    "a heavy body": "lists.range(100000).map(x, [" + ",".join(["x + 1"] * 2_000) + "])",
    "calls in a loop": "n.map(a, n.map(b, 'a'.matches('b')))",
    "text that doubles": doubled("v", "'aaaaaaaa'"),
    "lists that double": doubled("v", "n"),
    "replace": "big.replace('a', big)",
    "replace of nothing": "big.replace('', 'bbbbbb')",
    "join": "n.map(x, big).join()",
    "join with": "n.map(x, '').join(big)",
    "format of the large": "'%s%s%s'.format([big, big, big])",
    "format of a cycle": "'%s'.format([cycle])",
    "precision": "'%.999999999f'.format([1.0])",
    "hexadecimal": "'%x%x'.format([data, data])",
    "split": "big.split('')",
    "concatenation in a loop": "n.map(x, big + string(x))",
    "copies in a loop": "n.map(x, big.substring(1))",
    "scans in a loop": "lists.range(100000).all(x, !big.contains('zz'))",
    "comparisons in a loop": "lists.range(100000).all(x, big != twin)",
    "memberships in a loop": "n.all(x, n.all(y, !(-1 in n)))",
    "range": "lists.range(1000000000000)",
    "distinct": "lists.range(100000).map(x, [x]).distinct()",
    "flatten": "cycle.flatten(1000000000)",
    "sort": "lists.range(1000000).sort()",
    "sets": "sets.contains(lists.range(10000), lists.range(10000))",
    "json of the large": "json.encode(n.map(x, big))",
    "json of a cycle": "json.encode(cycle)",
    "json that nests": "json.decode(n.map(x, '[[[[[[[[[[').join())",
    "json of many": "json.decode('[' + lists.range(900000).map(x, '[],').join() + '1]')",
    "url": "url.encode(big)",
    "url.query": 'url.query({"a": n.map(x, big)})',
    "a pattern that backtracks nowhere but here": "big.matches('(a?){300}(a{300}){1}b')",
    "a large pattern": "big.matches('(a{1000}){1000}')",
    "matches of nothing": "regex.extractAll(big, '')",
    "replacements": r"regex.replace(big, 'a', r'\0\0\0\0\0\0\0\0')",
    "equality of cycles": "cycle == [cycle]",
    "strftime widths": "time.format(timestamp(0), '%999999999Y')",
    "a huge number": "string(huge)",
    "patterns in a loop": "lists.range(100000).exists(x, 'a'.matches('(b?){300}' + string(x)))",
    "bad patterns in a loop": "lists.range(100000).exists(x, 'a'.matches('(b{999}){999}' + string(x)))",
    "bad zones in a loop": "lists.range(100000).exists(x, timestamp(0).getHours('Z' + string(x)) > 0)",
    "formats in a loop": "lists.range(100000).exists(x, time.parse('a', '%Y' + string(x)) == null)",
    "hashes in a loop": "lists.range(100000).exists(x, uuid.v5('dns', big) == '')",
    "extremes in a loop": "n.map(x, n.map(y, math.greatest(n)))",
    "clauses": "'%%'.replace('', '%%%%%%%%%%%%%%%%').replace('', big.substring(4990000)).format([])",
    "groups": "regex.replace('a', 'a', lists.range(300000).map(x, r'\\0').join())",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_expression_ends_soon_with_an_error(name: str):
    started = time.process_time()
    with pytest.raises(ExpressionError):
        cel.evaluate(HOSTILE[name], VALUES)
    assert time.process_time() - started < 10  # alone, each takes a second or two at most


def test_hostile_expressions_take_little_memory():
    script = """
import runpy, sys
from pathlib import Path
from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.exceptions import ExpressionError
case = runpy.run_path(sys.argv[1])

def peak():
    # What getrusage() tells begins with the most that the process had which started this one.
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1])

before = peak()
for source in case["HOSTILE"].values():
    try:
        cel.evaluate(source, case["VALUES"])
    except ExpressionError:
        pass
print((peak() - before) // 1024)
"""
    run = subprocess.run([sys.executable, "-c", script, __file__], check=True, capture_output=True, text=True)
    assert int(run.stdout) < 300  # megabytes, most of them of lists of a million references


UNTERMINATED = [quote + r"\n" * 5_000 for quote in ('"', "'", '"""', "'''", 'b"', 'r"')] + [
    '"' + "\\",
    '"' + "a\\" * 5_000,
]


@pytest.mark.parametrize("source", UNTERMINATED)
def test_an_unterminated_string_is_an_error_in_linear_time(source: str):
    started = time.process_time()
    with pytest.raises(ExpressionError, match=r"not closed|missing"):
        cel.compile(source, variables=())
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    "call", ["duration(x)", "timestamp(x)", "int(x)", "double(x)", "time.parse(x, '%Y')", "bool(x)", "uint(x)"]
)
@pytest.mark.parametrize("value", [VALUES["pattern"], "1" * 1_000_000, "1h" * 500_000, "1." * 500_000, "+" * 1_000_000])
def test_conversions_of_data_take_linear_time(call: str, value: str):
    started = time.process_time()
    with pytest.raises(ExpressionError):
        cel.evaluate(call, {"x": value})
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    ("source", "limits"),
    [
        ("[1, 2, 3].map(x, x)", cel.Limits(steps=2)),
        ("'a' + 'bbbb' + x", cel.Limits(string_length=70)),
        ("[1, 2] + [3]", cel.Limits(list_length=2)),
        ("lists.range(3)", cel.Limits(list_length=2)),
    ],
)
def test_each_limit_can_be_set(source: str, limits: cel.Limits):
    variables = {"x": "y" * 100}
    assert cel.evaluate(source, variables)
    with pytest.raises(ExpressionLimitError):
        cel.evaluate(source, variables, limits=limits)


def test_a_limit_is_not_absorbed():
    with pytest.raises(ExpressionLimitError):
        cel.evaluate("lists.range(1000000000).size() > 0 || true", {})


def test_what_a_loop_did_not_visit_is_given_back():
    source = "n.all(a, n.exists(b, b == 0)) && n.all(a, n.exists(b, b == 0))"
    assert cel.evaluate(source, {"n": list(range(1_000))}, limits=cel.Limits(steps=20_000)) is True


def test_work_as_it_comes_is_within_the_limits():
    items = [{"id": n, "price": n * 1.5} for n in range(50_000)]
    source = (
        "items.filter(i, i.price > 10.0).map(i, {'id': i.id, 'price': string(i.price), 'url': '/v1/' + string(i.id)})"
    )
    assert len(cel.evaluate(source, {"items": items})) == 49_993


@pytest.mark.parametrize("source", ["(" * 140 + "1" + ")" * 140, "+".join(["1"] * 140), "[" * 140 + "]" * 140])
def test_what_nests_as_deep_as_is_allowed_evaluates_far_down_the_stack(source: str):
    def down(levels: int) -> Any:
        return down(levels - 1) if levels else cel.evaluate(source, {})

    down(400)


def test_nothing_of_the_process_is_changed():
    script = (
        "import sys, logging, threading\n"
        "before = sys.getrecursionlimit(), len(logging.root.handlers), threading.active_count()\n"
        "from airflow_provider_cloudfn import cel\n"
        "assert cel.evaluate('x.map(y, y + 1)', {'x': [1]}) == [2]\n"
        "assert before == (sys.getrecursionlimit(), len(logging.root.handlers), threading.active_count())\n"
        "assert 'celpy' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
