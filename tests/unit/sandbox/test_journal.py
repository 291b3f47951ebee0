"""The record of requests, and what it hides."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cloudfn.sandbox.masking import Masking

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_cloudfn.sandbox import Sandbox


def test_a_request_is_recorded_as_it_was_sent(client: httpx.Client, sandbox: Sandbox) -> None:
    content = b'{"amount": 5,  "n": "\xc3\xbc"}'
    headers = {"Content-Type": "application/json", "X-Two": "Words Here"}
    answer = client.post("/open/v1/charges?environment=a%20b&empty=", content=content, headers=headers)
    (record,) = sandbox.requests
    assert (record.number, record.method, record.path) == (1, "POST", "/open/v1/charges")
    assert record.query == "environment=a%20b&empty="
    assert record.parameters == [("environment", "a b"), ("empty", "")]
    assert record.body == content
    assert record.json() == {"amount": 5, "n": "ü"}
    assert (record.header("x-two"), record.header("X-TWO"), record.header("x-three")) == (
        "Words Here",
        "Words Here",
        None,
    )
    assert (record.status, record.response_body) == (201, answer.content)
    assert record.response_json() == answer.json()
    assert record.request_id == answer.headers["x-request-id"]


def test_the_path_keeps_its_percent_encoding(client: httpx.Client, sandbox: Sandbox) -> None:
    client.get("/open/v1/orders/A%2F7%20%C3%BC")
    assert sandbox.requests[0].path == "/open/v1/orders/A%2F7%20%C3%BC"


def test_a_repeated_header_is_recorded_twice_and_read_as_one(client: httpx.Client, sandbox: Sandbox) -> None:
    client.get("/open/v1/health", headers=[("x-tag", "a"), ("x-tag", "b")])
    assert sandbox.requests[0].header("x-tag") == "a, b"


def test_who_called_is_recorded(client: httpx.Client, sandbox: Sandbox, access_token: Callable[..., str]) -> None:
    token = access_token()
    sandbox.reset()
    key = sandbox.credentials.api_key
    client.get("/open/v1/health")
    client.get("/header/v1/health")
    client.get("/header/v1/health", headers={"x-api-key": key})
    client.get("/oauth2/v1/health", headers={"authorization": f"Bearer {token}"})
    assert [record.caller for record in sandbox.requests] == [None, None, "api_key", None]
    token = access_token()
    client.get("/oauth2/v1/health", headers={"authorization": f"Bearer {token}"})
    assert sandbox.requests[-1].caller == "oauth2"


def test_a_request_that_is_too_large_is_refused_and_recorded(client: httpx.Client, sandbox: Sandbox) -> None:
    refused = client.post("/open/v1/charges", content=b"x" * (10 * 1024 * 1024 + 1))
    assert refused.status_code == 413
    assert refused.headers["x-request-id"] == sandbox.requests[0].request_id


def test_no_secret_is_in_any_record(client: httpx.Client, sandbox: Sandbox, access_token: Callable[..., str]) -> None:
    credentials = sandbox.credentials
    token = access_token()
    form = {"grant_type": "client_credentials", "client_id": credentials.client_id}
    issued = client.post("/oauth2/token", data=form | {"client_secret": credentials.client_secret}).json()
    refresh = {
        "grant_type": "refresh_token",
        "refresh_token": issued["refresh_token"],
        "client_id": credentials.client_id,
    }
    renewed = client.post("/oauth2/refresh", data=refresh).json()
    emporix = {
        "grant_type": "client_credentials",
        "client_id": credentials.emporix_client_id,
        "client_secret": credentials.emporix_client_secret,
    }
    api_token = client.post("/oauth/token", data=emporix).json()["access_token"]
    client.get("/header/v1/health", headers={"x-api-key": credentials.api_key})
    client.get("/query/v1/health", params={"api_key": credentials.api_key})
    client.get("/oauth2/v1/health", headers={"authorization": f"Bearer {token}"})
    client.post("/open/v1/reports", json={"by mistake": credentials.api_key, "path": f"/{credentials.event_secret}/x"})
    wrong = ["not-the-key-1", "not-the-key-2", "not-the-key-3", "not-the-key-4"]
    client.get("/header/v1/health", headers={"x-api-key": wrong[0]})
    client.get("/query/v1/health", params={"api_key": wrong[1]})
    client.get("/oauth2/v1/health", headers={"authorization": f"Bearer {wrong[2]}"})
    client.post("/oauth2/token", data=form | {"client_secret": wrong[3]})
    basic = base64.b64encode(f"{credentials.client_id}:{credentials.client_secret}".encode()).decode()
    secrets = [
        *credentials.secrets(),
        token,
        *(answer[name] for answer in (issued, renewed) for name in ("access_token", "refresh_token")),
        api_token,
        basic,
        *wrong,
    ]
    shown = client.get("/_sandbox/requests").text + repr(sandbox.requests) + repr(sandbox.credentials)
    assert len(sandbox.requests) == 12
    assert [secret for secret in secrets if secret in shown] == []


def test_what_is_recorded_can_be_read_over_http(client: httpx.Client, sandbox: Sandbox) -> None:
    client.post("/open/v1/charges", json={"amount": 1})
    client.post("/open/v1/charges", content=b"\xff")
    first, second = client.get("/_sandbox/requests").json()["requests"]
    assert first == sandbox.requests[0].as_json()
    assert json.loads(first["body"]) == {"amount": 1}
    assert second["body"] == {"base64": "/w=="}
    assert client.get("/_sandbox/charges").json()["charges"] == sandbox.charges
    assert client.get("/_sandbox/processes").json() == {"processes": []}


def test_looking_at_the_record_is_not_recorded(client: httpx.Client, sandbox: Sandbox) -> None:
    client.get("/_sandbox/requests")
    assert sandbox.requests == []


def test_reset_forgets_everything(client: httpx.Client, sandbox: Sandbox, access_token: Callable[..., str]) -> None:
    token = access_token()
    client.post("/open/v1/charges", json={"amount": 1}, headers={"Idempotency-Key": "k"})
    assert client.post("/_sandbox/reset").status_code == 200
    assert (sandbox.requests, sandbox.charges, sandbox.processes) == ([], [], [])
    assert client.get("/oauth2/v1/health", headers={"authorization": f"Bearer {token}"}).status_code == 401
    assert client.post("/open/v1/charges", json={"amount": 2}, headers={"Idempotency-Key": "k"}).status_code == 201


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("Authorization", "Bearer abc", "Bearer ***"),
        ("authorization", "basic abc", "basic ***"),
        ("authorization", "AWS4-HMAC-SHA256 Credential=abc", "***"),
        ("X-API-Key", "abc", "***"),
        ("Cookie", "a=b", "***"),
        ("Accept", "text/html", "text/html"),
        ("X-Other", "has a-long-secret in it", "has *** in it"),
    ],
)
def test_headers_that_hold_credentials_are_masked(name: str, value: str, shown: str) -> None:
    assert Masking(["a-long-secret"]).header(name, value) == shown


@given(secret=st.text(st.characters(codec="utf-8"), min_size=8), before=st.text(), after=st.text())
def test_a_secret_is_hidden_however_it_is_written(secret: str, before: str, after: str) -> None:
    masking = Masking([secret])
    for written in (secret, str(httpx.QueryParams({"k": secret})).removeprefix("k="), json.dumps(secret)[1:-1]):
        assert written not in masking.text(f"{before}{written}{after}") or written in "***"


@given(st.binary())
def test_a_body_without_a_secret_keeps_its_bytes(content: bytes) -> None:
    assert Masking(["0123456789abcdef"]).body(content, "application/json") == content
