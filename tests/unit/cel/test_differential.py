"""Differential tests: where cel-python is right, the engine agrees with it."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from airflow_provider_cloudfn import cel

VALUES: dict[str, Any] = {
    "i": 7,
    "d": 2.5,
    "s": "hello",
    "l": [1, 2, 3],
    "m": {"a": {"b": 5}, "n": "x"},
    "t": True,
}

#: Within what cel-python 0.5 gets right.
SOURCES = [
    "i + 1",
    "i * 3 - 2",
    "i / 2",
    "-i / 2",
    "-i % 2",
    "d * 2.0",
    "d / 0.0",
    's + " world"',
    "s.size()",
    's.startsWith("he") && s.endsWith("lo")',
    's.contains("ell")',
    's.matches("^h.*o$")',
    "l[1] + size(l)",
    "l.map(x, x * 2)",
    "l.filter(x, x > 1)",
    "l.all(x, x > 0)",
    "l.exists(x, x == 2)",
    "l.exists_one(x, x == 2)",
    "m.a.b",
    'm["a"]["b"]',
    "has(m.a) && !has(m.zzz)",
    "t ? i : 0",
    "!t || i > 3",
    "2 in l",
    '"a" in m',
    "[1, 2] + l",
    '{"k": i, "l": [s]}',
    "int(d)",
    "double(i)",
    "string(i)",
    'int("42") + 1',
    'bytes("abc")',
    'timestamp("2009-02-13T23:31:30Z").getFullYear()',
    'timestamp("2009-02-13T23:31:30Z") + duration("1h") == timestamp("2009-02-14T00:31:30Z")',
    'duration("90m").getHours()',
    "1u + 2u",
    r'"\u00e9\n\x41"',
    r'r"\d"',
    "false && 1 / 0 > 0",
    "[1, 0].exists(x, 4 / x == 4)",
]

#: cel-python changes the recursion limit of its process, so that it gets one of its own.
_PEER = """
import json, sys, celpy
from celpy.adapter import CELJSONEncoder
environment = celpy.Environment()
values, sources = json.load(sys.stdin)
def plain(value):
    if isinstance(value, celpy.celtypes.BytesType):
        return {"bytes": list(value)}
    return json.loads(json.dumps(value, cls=CELJSONEncoder))
context = {name: celpy.json_to_cel(value) for name, value in values.items()}
print(json.dumps([plain(environment.program(environment.compile(source)).evaluate(context)) for source in sources]))
"""


@pytest.fixture(scope="module")
def peer_results() -> dict[str, Any]:
    import json

    pytest.importorskip("celpy")
    run = subprocess.run(
        [sys.executable, "-c", _PEER], input=json.dumps([VALUES, SOURCES]), capture_output=True, text=True, check=True
    )
    return dict(zip(SOURCES, json.loads(run.stdout), strict=True))


@pytest.mark.parametrize("source", SOURCES)
def test_the_engine_agrees_with_cel_python(source: str, peer_results: dict[str, Any]):
    result = cel.evaluate(source, VALUES)
    if isinstance(result, bytes):
        result = {"bytes": list(result)}
    assert result == peer_results[source]
