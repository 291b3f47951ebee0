"""The hook of each type of connection that cloud functions go over."""

from __future__ import annotations

import pytest
from airflow.sdk import Connection

from airflow_provider_cloudfn.hooks.registry import hook_of

CONNECTIONS = {
    "cloudfn": {"host": "https://api.example.com"},
    "amazon_connect": {"login": "AKIAEXAMPLE", "password": "k" * 20, "extra": '{"region_name": "eu-west-1"}'},
}


@pytest.mark.parametrize("conn_type", CONNECTIONS)
def test_a_connection_takes_the_hook_of_its_type(conn_type: str) -> None:
    assert hook_of(Connection(conn_id="c", conn_type=conn_type, **CONNECTIONS[conn_type])).conn_type == conn_type
