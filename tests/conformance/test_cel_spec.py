"""
The conformance cases of the CEL specification, read in place from ``CEL_SPEC_CASES``.

Without that variable they are looked for beside the project, in ``../shared/cel-spec/cases.json``; where they are not,
the test says so and is skipped. Expected failures are listed with their reasons, and fail the test once they pass.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import math
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from kit.cel_expressions import meaning

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.cel.formatting import formatted
from airflow_provider_cloudfn.cel.parser import SourceError, parse
from airflow_provider_cloudfn.cel.values import KIND
from airflow_provider_cloudfn.exceptions import ExpressionError

_BESIDE = Path(__file__).parents[3] / "shared" / "cel-spec" / "cases.json"
CASES_FILE = Path(os.environ.get("CEL_SPEC_CASES") or _BESIDE)

#: Sections that need what the engine leaves out on purpose.
OUTSIDE = {
    "network_ext": "IP addresses and networks have no use in a request",
    "block_ext": "cel.block is written by optimizers, not by people",
}

#: Expected failures by file and expression, each with its reason.
KNOWN: dict[tuple[str, str], str] = {}

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def load() -> list[dict[str, Any]]:
    return json.loads(CASES_FILE.read_text(encoding="utf-8")) if CASES_FILE.is_file() else []


def is_expression(source: str) -> bool:
    try:
        parse(source)
    except SourceError:
        return False
    return True


def is_judged(case: dict[str, Any]) -> bool:
    expected = case["expect"]
    return not case.get("check_only") and ("value" in expected or "error" in expected)


def microseconds(text: str) -> int:
    """The time of an RFC 3339 timestamp or of a duration in seconds, cut to the microsecond."""
    if text.endswith("s"):
        whole, _, fraction = text[:-1].lstrip("-").partition(".")
        sign = -1 if text.startswith("-") else 1
        return sign * (int(whole) * 10**6 + int((fraction + "000000")[:6]))
    stamp, _, rest = text.partition(".")
    digits = rest.rstrip("Z") if rest else ""
    moment = dt.datetime.fromisoformat(stamp.rstrip("Z") + "+00:00")
    return (moment - EPOCH) // dt.timedelta(microseconds=1) + int((digits + "000000")[:6])


def decode(value: dict[str, Any]) -> Any:
    """The native value of a case's typed value."""
    kind, given = value["type"], value["value"]
    if kind == "list":
        return [decode(item) for item in given]
    if kind == "map":
        return {decode(key): decode(item) for key, item in given}
    simple = {
        "int": int,
        "uint": lambda text: cel.UInt(int(text)),
        "double": lambda text: float(text.replace("Infinity", "inf")),
    }
    if kind in simple:
        return simple[kind](given)
    if kind == "bytes":
        return base64.b64decode(given)
    if kind == "timestamp":
        return EPOCH + dt.timedelta(microseconds=microseconds(given))
    if kind == "duration":
        return dt.timedelta(microseconds=microseconds(given))
    if kind == "type":
        return cel.CelType(given)
    return given


def same(result: Any, expected: Any) -> bool:
    """Whether a result is the expected one, type for type."""
    if isinstance(result, cel.Optional) and not isinstance(expected, cel.Optional):
        return result.present and same(result.value, expected)
    if KIND[type(result)] != KIND[type(expected)]:
        return False
    if isinstance(expected, list):
        return len(result) == len(expected) and all(map(same, result, expected))
    if isinstance(expected, dict):
        pairs = [(key, result[key]) for key in result]
        return len(pairs) == len(expected) and all(
            any(same(key, wanted) and same(value, item) for key, value in pairs) for wanted, item in expected.items()
        )
    if isinstance(expected, float) and math.isnan(expected):
        return math.isnan(result)
    return bool(result == expected)


def passes(case: dict[str, Any]) -> bool:
    bindings = {name: decode(value) for name, value in case["bindings"].items()}
    container = case.get("container", "")
    try:
        if case.get("disable_check"):
            result = cel.evaluate(case["expr"], bindings, container=container)
        else:
            result = cel.compile(case["expr"], variables=bindings, container=container).evaluate(bindings)
    except ExpressionError:
        return "error" in case["expect"]
    return "value" in case["expect"] and same(result, decode(case["expect"]["value"]))


CASES = [case for case in load() if is_judged(case) and case["file"] not in OUTSIDE]


def name(case: dict[str, Any]) -> str:
    return f"{case['file']}/{case['section']}/{case['name']}"


@pytest.mark.skipif(not CASES, reason=f"no cases at {CASES_FILE}; set CEL_SPEC_CASES")
def test_every_case_of_the_specification_passes_but_for_the_known_ones():
    failing = {(case["file"], case["expr"]): case for case in CASES if not passes(case)}
    unexpected = sorted(f"{name(case)}: {case['expr']}" for key, case in failing.items() if key not in KNOWN)
    present = {(case["file"], case["expr"]) for case in CASES}
    assert unexpected == []
    assert sorted(key for key in KNOWN if key in present and key not in failing) == [], "known failures that pass"


@pytest.mark.skipif(not CASES, reason=f"no cases at {CASES_FILE}; set CEL_SPEC_CASES")
def test_98_percent_of_the_judged_cases_pass():
    assert sum(map(passes, CASES)) >= 0.98 * len(CASES)


@pytest.mark.skipif(not CASES, reason=f"no cases at {CASES_FILE}; set CEL_SPEC_CASES")
@pytest.mark.parametrize("width", [None, 1, 40, 88])
def test_every_case_means_the_same_when_it_is_formatted(width: int | None):
    parsed = {source: meaning(source) for source in {case["expr"] for case in load()} if is_expression(source)}
    changed = [source for source, tree in parsed.items() if meaning(formatted(source, width)) != tree]
    assert changed == []
    assert [s for s in parsed if formatted(formatted(s, width), width) != formatted(s, width)] == []
    assert len(parsed) > 900


if __name__ == "__main__":
    judged: Counter[str] = Counter()
    passed: Counter[str] = Counter()
    for case in CASES:
        judged[case["file"]] += 1
        try:
            good = passes(case)
            trouble = ""
        except Exception as error:
            good, trouble = False, repr(error)
        passed[case["file"]] += good
        if not good:
            print(f"fails: {name(case)}: {case['expr']!r} expects {case['expect']} {trouble}")
    for file in sorted(judged):
        print(f"{file:20} {passed[file]:5} / {judged[file]}")
    print(f"{'all':20} {passed.total():5} / {judged.total()}  ({passed.total() / judged.total():.1%})")
