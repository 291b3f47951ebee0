"""The connections that lead to a sandbox."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from airflow.models.connection import Connection

if TYPE_CHECKING:
    import httpx

    from airflow_provider_cloudfn.sandbox import Sandbox


@pytest.mark.parametrize(
    "conn_id", ["shop", "payments", "cloudfn_default", "amazon_connect_default", "emporix", "emporix_oe_default"]
)
def test_airflow_reads_each_of_them(sandbox: Sandbox, conn_id: str) -> None:
    fields = sandbox.connections()[conn_id]
    connection = Connection.from_json(json.dumps(fields), conn_id=conn_id)
    assert (connection.conn_type, connection.host) == (fields["conn_type"], fields.get("host"))
    assert connection.password == fields["password"]
    assert connection.extra_dejson == fields["extra"]


def test_what_they_say_opens_the_sandbox(sandbox: Sandbox, client: httpx.Client) -> None:
    connections: dict[str, dict[str, Any]] = sandbox.connections()
    shop, by_query, payments = (connections[name] for name in ("shop", "cloudfn_default", "payments"))
    by_header = client.get(f"{shop['host']}/v1/health", headers={shop["extra"]["key_name"]: shop["password"]})
    in_query = client.get(f"{by_query['host']}/v1/health", params={by_query["extra"]["key_name"]: by_query["password"]})
    form = {"grant_type": "client_credentials", "scope": payments["extra"]["scopes"]}
    auth = (payments["extra"]["client_id"], payments["password"])
    token = client.post(payments["extra"]["oauth2_url"], data=form, auth=auth).json()["access_token"]
    by_token = client.get(f"{payments['host']}/v1/health", headers={"authorization": f"Bearer {token}"})
    assert [answer.status_code for answer in (by_header, in_query, by_token)] == [200, 200, 200]


def test_the_keys_of_plain_settings_are_none_that_airflow_masks(sandbox: Sandbox) -> None:
    from airflow.sdk._shared.secrets_masker import should_hide_value_for_key

    for fields in sandbox.connections().values():
        hidden = {key for key in fields["extra"] if should_hide_value_for_key(key)}
        assert hidden <= {"client_secret"}
