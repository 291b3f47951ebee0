"""The text of results where a query or a header wants text."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from uuid import UUID

import pytest

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.exceptions import ExpressionError


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        (True, "true"),
        (12, "12"),
        (cel.UInt(12), "12"),
        (1.5, "1.5"),
        (2.0, "2"),
        (1e23, "1e+23"),
        (Decimal("12.50"), "12.50"),
        (dt.datetime(2024, 1, 2, 3, 4, 5, 678_000, tzinfo=dt.UTC), "2024-01-02T03:04:05.678Z"),
        (dt.datetime(2024, 1, 2, 3, tzinfo=dt.timezone(dt.timedelta(hours=1))), "2024-01-02T02:00:00Z"),
        (dt.date(2024, 1, 2), "2024-01-02"),
        (dt.timedelta(hours=1), "3600s"),
        (-dt.timedelta(seconds=1.5), "-1.5s"),
        (b"xyz", "xyz"),
        (bytearray("ü", "utf-8"), "ü"),
        (memoryview(b"xyz"), "xyz"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (cel.CelType("int"), "int"),
    ],
)
def test_a_scalar_has_a_text(value: object, text: str):
    assert cel.to_text(value) == text


@pytest.mark.parametrize("value", [None, [1], {"a": 1}, object(), cel.Optional(1)])
def test_anything_else_has_none(value: object):
    with pytest.raises(ExpressionError, match="has no text"):
        cel.to_text(value)


@pytest.mark.parametrize("value", [b"\xff\x00", bytearray(b"\xff"), memoryview(b"\xff")])
def test_bytes_that_are_no_utf_8_have_none_either(value: object):
    with pytest.raises(ExpressionError, match=r"no text in UTF-8; use base64\.encode\(…\)"):
        cel.to_text(value)
