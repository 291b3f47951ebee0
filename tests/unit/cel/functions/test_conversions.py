"""Conversions between types."""

from __future__ import annotations

import pytest

from airflow_provider_cloudfn import cel


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("int('42') + int(4.9) + int(-4.9) + int(3u)", 45),
        ("int(timestamp('1970-01-01T00:01:00Z'))", 60),
        ("uint('42')", cel.UInt(42)),
        ("uint(4.9)", cel.UInt(4)),
        ("double('1.5e3')", 1500.0),
        ("double(2)", 2.0),
        ("double('-inf') < 0.0", True),
        ("string(1.0)", "1"),
        ("string(1.5)", "1.5"),
        ("string(json.decode('10.50')) + ' ' + string(json.decode('1E2'))", "10.50 100"),
        ("string(json.decode('1.23456789012345678901e2'))", "1.23456789012345678901e2"),
        ("string(true)", "true"),
        ("string(b'abc')", "abc"),
        ("string(timestamp('2024-01-31T12:00:00.678901Z'))", "2024-01-31T12:00:00.678901Z"),
        ("string(duration('1.5s'))", "1.5s"),
        ("string(-9223372036854775808)", "-9223372036854775808"),
        ("bytes('é')", b"\xc3\xa9"),
        ("bool('true') && !bool('0')", True),
        ("dyn([1])", [1]),
    ],
)
def test_a_call_gives(source, expected, gives):
    gives(source, expected)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("int('4.5')", "the decimal digits"),
        ("int('٣')", "the decimal digits"),
        ("int('9223372036854775808')", "fits in 64 bits"),
        ("int(1e300)", "does not fit"),
        ("int(0.0 / 0.0)", "does not fit"),
        ("uint(-1)", "negative"),
        ("uint('-1')", "not negative"),
        ("double('1_0')", "a decimal number"),
        ("double('1e999')", "out of the range"),
        ("bool('yes')", "'true' or 'false'"),
        ("string(null)", "null has no text"),
        ("string([1])", "use json.encode"),
        ("string(b'\\xff')", "no text in UTF-8"),
        ("int(true)", "can't be applied to (bool)"),
    ],
)
def test_a_call_says_what_it_needs(source, said, fails):
    fails(source, said)
