"""The doors of the shop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from airflow_provider_cloudfn.sandbox import Sandbox

PATHS = ("/v1/health", "/v1/customers", "/v1/orders/1001", "/v1/scores/c-1", "/v1/charges")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("prefix", ["/header", "/query", "/oauth2"])
def test_nobody_enters_without_credentials(client: httpx.Client, sandbox: Sandbox, prefix: str, path: str) -> None:
    refused = client.get(prefix + path)
    assert refused.status_code == 401
    assert "www-authenticate" in refused.headers


@pytest.mark.parametrize("path", PATHS)
def test_everything_is_there_behind_each_door(
    client: httpx.Client, sandbox: Sandbox, access_token: Callable[..., str], path: str
) -> None:
    key = sandbox.credentials.api_key
    answers = [
        client.get("/open" + path),
        client.get("/header" + path, headers={"X-API-Key": key}),
        client.get("/query" + path, params={"api_key": key}),
        client.get("/oauth2" + path, headers={"Authorization": f"Bearer {access_token()}"}),
    ]
    assert [answer.status_code for answer in answers] == [200] * 4
    assert len({answer.text for answer in answers}) == 1


def test_a_key_opens_only_where_it_belongs(client: httpx.Client, sandbox: Sandbox) -> None:
    key = sandbox.credentials.api_key
    assert client.get("/header/v1/health", params={"api_key": key}).status_code == 401
    assert client.get("/query/v1/health", headers={"X-API-Key": key}).status_code == 401


@pytest.mark.parametrize("key", ["", "wrong", "wröng"])
def test_a_wrong_key_is_refused(client: httpx.Client, sandbox: Sandbox, key: str) -> None:
    assert client.get("/header/v1/health", headers={"X-API-Key": key.encode()}).status_code == 401
    assert client.get("/query/v1/health", params={"api_key": key}).status_code == 401


def test_two_keys_are_refused(client: httpx.Client, sandbox: Sandbox) -> None:
    key = sandbox.credentials.api_key
    assert client.get("/query/v1/health", params=[("api_key", key), ("api_key", key)]).status_code == 401
    assert client.get("/header/v1/health", headers=[("x-api-key", key), ("x-api-key", key)]).status_code == 401


@pytest.mark.parametrize("authorization", ["Bearer", "Bearer wrong", "Basic d3Jvbmc6d3Jvbmc=", "wrong"])
def test_a_wrong_token_is_refused(client: httpx.Client, sandbox: Sandbox, authorization: str) -> None:
    refused = client.get("/oauth2/v1/health", headers={"Authorization": authorization})
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Bearer ")


def test_an_expired_token_is_invalid(client: httpx.Client, sandbox: Sandbox, access_token: Callable[..., str]) -> None:
    headers = {"Authorization": f"Bearer {access_token()}"}
    assert client.get("/oauth2/v1/health", headers=headers).status_code == 200
    sandbox.expire_tokens()
    refused = client.get("/oauth2/v1/health", headers=headers)
    assert refused.status_code == 401
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]


def test_a_token_for_reading_does_not_write(
    client: httpx.Client, sandbox: Sandbox, access_token: Callable[..., str]
) -> None:
    headers = {"Authorization": f"Bearer {access_token(scope='shop.read')}"}
    assert client.get("/oauth2/v1/charges", headers=headers).status_code == 200
    refused = client.post("/oauth2/v1/charges", json={"amount": 1}, headers=headers)
    assert refused.status_code == 403
    assert 'scope="shop.write"' in refused.headers["www-authenticate"]
    assert sandbox.charges == []


def test_charges_are_the_same_behind_every_door(client: httpx.Client, sandbox: Sandbox) -> None:
    charge = client.post("/open/v1/charges", json={"amount": 1}).json()
    headers = {"X-API-Key": sandbox.credentials.api_key}
    assert client.get(f"/header/v1/charges/{charge['id']}", headers=headers).json() == charge
