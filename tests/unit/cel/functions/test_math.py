"""The math library."""

from __future__ import annotations

import pytest

from airflow_provider_cloudfn import cel


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("math.greatest(1, 2.5, 2u)", 2.5),
        ("math.greatest([1, 3, 2])", 3),
        ("math.greatest(5)", 5),
        ("math.least(1, -2)", -2),
        ("math.least([2u, 1u])", cel.UInt(1)),
        ("math.ceil(1.2)", 2.0),
        ("math.floor(-1.2)", -2.0),
        ("math.round(2.5)", 3.0),
        ("math.round(-2.5)", -3.0),
        ("math.round(0.49999999999999994)", 0.0),
        ("math.trunc(-1.9)", -1.0),
        ("math.abs(-3)", 3),
        ("math.abs(-1.5)", 1.5),
        ("math.abs(3u)", cel.UInt(3)),
        ("math.sign(-3)", -1),
        ("math.sign(2u)", cel.UInt(1)),
        ("math.sign(-0.5)", -1.0),
        ("math.sqrt(9)", 3.0),
        ("math.isNaN(math.sqrt(-1.0))", True),
        ("math.isInf(1.0 / 0.0)", True),
        ("math.isFinite(1.0)", True),
        ("math.ceil(1.0 / 0.0) > 1e308", True),
        ("math.bitAnd(6, 3)", 2),
        ("math.bitOr(6u, 3u)", cel.UInt(7)),
        ("math.bitXor(6, 3)", 5),
        ("math.bitNot(0)", -1),
        ("math.bitNot(0u)", cel.UInt(2**64 - 1)),
        ("math.bitShiftLeft(1, 63)", -(2**63)),
        ("math.bitShiftLeft(1, 64)", 0),
        ("math.bitShiftRight(-1, 60)", 15),
        ("math.bitShiftRight(8u, 2)", cel.UInt(2)),
    ],
)
def test_a_call_gives(source, expected, gives):
    gives(source, expected)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("math.greatest()", "at least one number"),
        ("math.greatest([])", "at least one number"),
        ("math.least('a')", "takes numbers, got string"),
        ("math.abs(-9223372036854775808)", "64 bits"),
        ("math.floor(1)", "can't be applied to (int); write double(…) around the number"),
        ("lists.range(2.0)", "can't be applied to (double); write int(…) around the number"),
        ("'abc'.substring(1, 2.0)", "write int(…) around the number"),
        ("math.floor('1')", "it takes (double)"),
        ("math.bitShiftLeft(1, -1)", "negative"),
        ("math.bitAnd(1, 1u)", "can't be applied to (int, uint)"),
    ],
)
def test_a_call_says_what_it_needs(source, said, fails):
    fails(source, said)
