"""The token endpoint, against RFC 6749."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_cloudfn.sandbox.masking import Masking
from airflow_provider_cloudfn.sandbox.tokens import AuthorizationServer

if TYPE_CHECKING:
    import httpx

    from airflow_provider_cloudfn.sandbox import Sandbox

GRANT = {"grant_type": "client_credentials"}


def _basic(sandbox: Sandbox) -> tuple[str, str]:
    return sandbox.credentials.client_id, sandbox.credentials.client_secret


def _post(sandbox: Sandbox) -> dict[str, str]:
    return {"client_id": sandbox.credentials.client_id, "client_secret": sandbox.credentials.client_secret}


def test_a_client_may_authenticate_by_header_or_body(client: httpx.Client, sandbox: Sandbox) -> None:
    by_header = client.post("/oauth2/token", data=GRANT, auth=_basic(sandbox))
    by_body = client.post("/oauth2/token", data=GRANT | _post(sandbox))
    for answer in (by_header, by_body):
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        issued = answer.json()
        assert (issued["token_type"], issued["expires_in"], issued["scope"]) == ("Bearer", 300, "shop.read shop.write")
    assert by_header.json()["access_token"] != by_body.json()["access_token"]


def test_a_client_gets_the_scopes_that_it_asks_for(client: httpx.Client, sandbox: Sandbox) -> None:
    answer = client.post("/oauth2/token", data={**GRANT, "scope": "shop.read"}, auth=_basic(sandbox))
    assert answer.json()["scope"] == "shop.read"


def test_an_empty_parameter_counts_as_absent(client: httpx.Client, sandbox: Sandbox) -> None:
    answer = client.post("/oauth2/token", data={**GRANT, "scope": ""}, auth=_basic(sandbox))
    assert answer.json()["scope"] == "shop.read shop.write"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": ["client_credentials", "client_credentials"]}, "invalid_request"),
        ({**GRANT, "scope": "shop.delete"}, "invalid_scope"),
        ({**GRANT, "scope": "shop.read  shop.write"}, "invalid_scope"),
        ({**GRANT, "scope": 'a"b'}, "invalid_scope"),
        ({**GRANT, "client_id": "another"}, "invalid_request"),
        ({**GRANT, "client_secret": "x"}, "invalid_request"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "unknown"}, "invalid_grant"),
    ],
)
def test_a_wrong_request_is_refused_with_the_code_of_the_standard(
    client: httpx.Client, sandbox: Sandbox, form: dict[str, Any], error: str
) -> None:
    refused = client.post("/oauth2/token", data=form or {"x": "y"}, auth=_basic(sandbox))
    assert (refused.status_code, refused.json()["error"]) == (400, error)
    assert refused.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "arguments",
    [
        {"data": GRANT},
        {"data": {**GRANT, "client_id": "sandbox-client"}},
        {"data": {**GRANT, "client_id": "sandbox-client", "client_secret": "wrong"}},
        {"data": {**GRANT, "client_id": "wrong", "client_secret": "wrong"}},
        {"data": GRANT, "auth": ("sandbox-client", "wrong")},
        {"data": GRANT, "headers": {"Authorization": "Basic !!!"}},
        {"data": GRANT, "headers": {"Authorization": "Basic bm9jb2xvbg=="}},
        {"data": GRANT, "headers": {"Authorization": "Bearer token"}},
    ],
)
def test_an_unknown_client_is_refused_with_a_challenge(
    client: httpx.Client, sandbox: Sandbox, arguments: dict[str, Any]
) -> None:
    refused = client.post("/oauth2/token", **arguments)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert refused.headers["www-authenticate"].startswith("Basic ")


def test_parameters_come_as_a_form_in_the_body(client: httpx.Client, sandbox: Sandbox) -> None:
    as_json = client.post("/oauth2/token", json=GRANT, auth=_basic(sandbox))
    in_the_uri = client.post("/oauth2/token", data=GRANT, params=_post(sandbox))
    no_form = client.post(
        "/oauth2/token",
        content=b"\xff",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        auth=_basic(sandbox),
    )
    for refused in (as_json, in_the_uri, no_form):
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


def test_a_token_is_asked_for_by_post_only(client: httpx.Client) -> None:
    assert client.get("/oauth2/token").status_code == 405


@pytest.mark.parametrize("path", ["/oauth2/token", "/oauth2/refresh"])
def test_a_refresh_token_is_good_once(client: httpx.Client, sandbox: Sandbox, path: str) -> None:
    issued = client.post("/oauth2/token", data=GRANT, auth=_basic(sandbox)).json()
    form = {"grant_type": "refresh_token", "refresh_token": issued["refresh_token"]}
    first = client.post(path, data=form, auth=_basic(sandbox))
    second = client.post(path, data=form, auth=_basic(sandbox))
    assert first.status_code == 200
    assert first.json()["access_token"] != issued["access_token"]
    assert (second.status_code, second.json()["error"]) == (400, "invalid_grant")


def test_the_refresh_url_needs_no_secret_but_takes_no_wrong_one(client: httpx.Client, sandbox: Sandbox) -> None:
    issued = client.post("/oauth2/token", data=GRANT, auth=_basic(sandbox)).json()
    form = {
        "grant_type": "refresh_token",
        "refresh_token": issued["refresh_token"],
        "client_id": sandbox.credentials.client_id,
    }
    assert client.post("/oauth2/refresh", data={**form, "client_secret": "wrong"}).status_code == 401
    assert client.post("/oauth2/refresh", data={**form, "client_id": "another"}).status_code == 401
    assert client.post("/oauth2/refresh", data=form).status_code == 200


def test_the_refresh_url_gives_no_token_for_client_credentials(client: httpx.Client, sandbox: Sandbox) -> None:
    refused = client.post("/oauth2/refresh", data=GRANT, auth=_basic(sandbox))
    assert (refused.status_code, refused.json()["error"]) == (400, "unsupported_grant_type")


def test_a_refreshed_token_is_for_no_more_than_the_first(client: httpx.Client, sandbox: Sandbox) -> None:
    issued = client.post("/oauth2/token", data={**GRANT, "scope": "shop.read"}, auth=_basic(sandbox)).json()
    form = {"grant_type": "refresh_token", "refresh_token": issued["refresh_token"]}
    more = client.post("/oauth2/token", data={**form, "scope": "shop.write"}, auth=_basic(sandbox))
    same = client.post("/oauth2/token", data=form, auth=_basic(sandbox))
    assert (more.status_code, more.json()["error"]) == (400, "invalid_scope")
    assert same.json()["scope"] == "shop.read"


def test_a_token_ends_when_its_seconds_are_over() -> None:
    now = 1000.0
    server = AuthorizationServer(Masking(), 60, clock=lambda: now)
    token = server.issue(("shop.read",)).access_token
    assert server.scopes_of(token) == ("shop.read",)
    now += 60
    assert server.scopes_of(token) is None
