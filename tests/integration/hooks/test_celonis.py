"""The hook over a connection to the engine in the Celonis Platform: an access token instead of a signature."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from airflow_provider_cloudfn.exceptions import ResponseError
from airflow_provider_cloudfn.hooks.emporix import EmporixHook

STEP = {"instance_id": "i-1", "execution_id": "x-1", "scenario_id": "s-1"}
SENT = [("start", {}, "signals"), ("resume", {"instance_id": "i-1"}, "messages"), ("complete", STEP, "messages")]


@pytest.fixture
def hook(service: Any, connection: Any, monkeypatch: pytest.MonkeyPatch) -> EmporixHook:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__TOKEN_STORE", "memory")
    token = {"access_token": "token-of-celonis", "token_type": "Bearer", "expires_in": 899}
    service.answer(status=200, body=json.dumps(token).encode(), **{"Content-Type": "application/json"})
    extra = {"environment": "celonis", "api_url": service.url, "client_id": "c-1", "client_secret": "client-secret"}
    connection("engine", conn_type="emporix_oe", login="order_to_cash", extra=extra)
    return EmporixHook("engine")


@pytest.mark.parametrize("prefix", ["", "a"])
@pytest.mark.parametrize(("method", "given", "resource"), SENT)
def test_an_event_goes_to_the_package_with_a_token_of_the_engine_s_scope(
    service: Any, hook: EmporixHook, prefix: str, method: str, given: dict[str, str], resource: str
) -> None:
    sent = getattr(hook, prefix + method)("order.paid", **given, payload={"n": 1})
    accepted = asyncio.run(sent) if prefix else sent

    token, event = service.received
    assert token.target == "/oauth2/token"
    assert b"scope=orchestration-engine" in token.body
    assert event.target == f"/oe/api/packages/order_to_cash/{resource}"
    assert event.headers["authorization"] == "Bearer token-of-celonis"
    assert "x-emporix-hmac" not in event.headers
    assert (event.headers["ce-type"], event.headers["ce-id"]) == ("order.paid", accepted.id)
    assert event.headers.get("ce-instanceid") == given.get("instance_id")
    assert event.body == b'{"n":1}'


@pytest.mark.parametrize(("method", "given", "resource"), SENT)
def test_what_is_prepared_lacks_only_the_token_and_sends_nothing(
    service: Any, hook: EmporixHook, method: str, given: dict[str, str], resource: str
) -> None:
    prepared = getattr(hook, f"prepare_{method}")("order.paid", **given)

    assert prepared.url == f"{service.url}/oe/api/packages/order_to_cash/{resource}"
    assert {"authorization", "x-emporix-hmac"} & {name.lower() for name, _ in prepared.headers} == set()
    assert service.received == []


def test_the_connection_test_gets_a_token_and_sends_no_event(service: Any, hook: EmporixHook) -> None:
    assert hook.test_connection() == (
        True,
        "The Celonis Platform gave an access token to the Client ID; no event was sent with it.",
    )
    assert [got.target for got in service.received] == ["/oauth2/token"]


def test_a_redirect_is_no_success(service: Any, hook: EmporixHook) -> None:
    hook.start("order.paid")
    service.answer(status=302, Location="/login")

    with pytest.raises(ResponseError, match="redirects elsewhere, which is not followed"):
        hook.resume("order.shipped", instance_id="i-1")
