"""What a connection test says."""

from __future__ import annotations

import pytest

from airflow_provider_cloudfn.hooks.tested_connection import said_of


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("connection 'UvDLqZP4', host (Base URL): is missing", "The connection, host (Base URL): is missing"),
        ("connection 'UvDLqZP4': AWS gives no credentials", "The connection: AWS gives no credentials"),
        ("connection 'other': AWS gives no credentials", "connection 'other': AWS gives no credentials"),
        ("there is no connection 'UvDLqZP4'", "there is no connection 'UvDLqZP4'"),
        ("GET https://shop.test answered 401", "GET https://shop.test answered 401"),
    ],
)
def test_the_id_that_airflow_makes_up_for_a_test_is_not_told(error: str, said: str) -> None:
    assert said_of(ValueError(error), "UvDLqZP4") == said
