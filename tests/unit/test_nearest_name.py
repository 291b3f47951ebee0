"""The name that was meant."""

from __future__ import annotations

import pytest

from airflow_provider_cloudfn.exceptions import nearest_name


@pytest.mark.parametrize(
    ("name", "known", "meant"),
    [
        ("fetch_ordr", ["charge", "fetch_order"], "fetch_order"),
        ("prod", ["production", "stage"], "production"),
        ("re", ["region_name"], None),
        ("fetch", ["fetch_order", "fetch_customer"], None),
        ("inner", ["group.inner", "winner"], "group.inner"),
        ("abs", ["abc", "math.abs"], "math.abs"),
        ("charge", ["charge"], None),
        ("PARAMS", ["params", "PARAM"], "params"),
        ("zzz", ["charge"], None),
        ("charge" * 11, ["charge" * 11 + "s"], None),
    ],
)
def test_the_name_that_was_meant(name: str, known: list[str], meant: str | None) -> None:
    assert nearest_name(name, known) == meant
