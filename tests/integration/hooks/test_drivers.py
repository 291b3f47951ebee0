"""Each way to authenticate, with each fault on its way, over everything that drives a scheme: they all end alike."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import BaseHook
from msgspec.structs import replace

from airflow_provider_cloudfn.auth.client_authentication import OAuth2Client
from airflow_provider_cloudfn.auth.oauth2 import OAuth2ClientCredentials
from airflow_provider_cloudfn.auth.token_store import AccessToken, MemoryTokenStore
from airflow_provider_cloudfn.exceptions import AuthenticationError
from airflow_provider_cloudfn.hooks.cloudfn import CloudFunctionHook

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_cloudfn.client.client import Client

SECRET = "hunter2-79402633"
TOKEN = json.dumps({"access_token": "t2", "refresh_token": "r2", "expires_in": 3600}).encode()


def by_client(hook: CloudFunctionHook) -> int:
    return hook.request("GET", "/orders").status


def by_observed_client(hook: CloudFunctionHook) -> int:
    """Call as ``airflow cloudfn test --send`` does."""
    seen: list[int | None] = []
    with hook.sending_over(replace(hook.client(), on_exchange=lambda _, answer: seen.append(answer and answer.status))):
        hook.request("GET", "/orders")
    assert seen[-1] is not None
    return seen[-1]


def by_requests(hook: CloudFunctionHook) -> int:
    airflow_hook: Any = BaseHook.get_hook("shop", hook_params={"method": "GET"})
    airflow_hook._function_hook = hook
    return int(airflow_hook.run("/orders").status_code)


def by_requests_streaming(hook: CloudFunctionHook) -> int:
    airflow_hook: Any = BaseHook.get_hook("shop", hook_params={"method": "GET"})
    airflow_hook._function_hook = hook
    with airflow_hook.run("/orders", extra_options={"stream": True}) as response:
        assert b"".join(response.iter_content(2)) == b"{}"
        return int(response.status_code)


DRIVERS = [by_client, by_observed_client, by_requests, by_requests_streaming]


def an_expired_token(client: Client, url: str, *, refresh_url: str) -> Client:
    """Return the client with a token that has to be refreshed."""
    store = MemoryTokenStore()
    auth = OAuth2ClientCredentials(
        OAuth2Client(token_url=f"{url}/token", refresh_url=refresh_url, client_id="c1", client_secret=SECRET),
        store=store,
    )
    store.put(auth.key, AccessToken("t1", expires_at=0.0, refresh_token="r1"))
    return replace(client, auth=auth)


@pytest.fixture
def hook(service: Any, connection: Any) -> CloudFunctionHook:
    connection("shop", conn_type="cloudfn", host=service.url, password=SECRET, extra={"auth_type": "bearer"})
    return CloudFunctionHook("shop")


@pytest.mark.parametrize("drive", DRIVERS, ids=lambda drive: drive.__name__)
@pytest.mark.parametrize(
    ("refresh", "answers", "asked"),
    [
        ("down", [(200, TOKEN), (200, b"{}")], ["/token", "/orders"]),
        ("/refresh", [(503, b""), (200, TOKEN), (200, b"{}")], ["/refresh", "/token", "/orders"]),
        ("/refresh", [(401, b""), (400, b""), (200, TOKEN), (200, b"{}")], ["/refresh"] * 2 + ["/token", "/orders"]),
        ("/refresh", [(200, b"<html>"), (200, TOKEN), (200, b"{}")], ["/refresh", "/token", "/orders"]),
        ("/refresh", [(200, TOKEN), (200, b"{}")], ["/refresh", "/orders"]),
        ("/refresh", [(200, TOKEN), (401, b""), (200, TOKEN), (200, b"{}")], ["/refresh", "/orders"] * 2),
    ],
    ids=["no connection", "an outage", "a refusal", "nonsense", "as it should be", "a token that is refused"],
)
def test_a_token_that_cannot_be_refreshed_is_fetched(
    service: Any,
    hook: CloudFunctionHook,
    serve: Any,
    drive: Callable[[CloudFunctionHook], int],
    refresh: str,
    answers: list[tuple[int, bytes]],
    asked: list[str],
) -> None:
    gone = serve()
    gone.stop()
    refresh_url = f"{gone.url}/refresh" if refresh == "down" else f"{service.url}{refresh}"
    answer = type(service.answers[0])
    service.answers = [answer(status, body) for status, body in answers]

    with hook.sending_over(an_expired_token(hook.client(), service.url, refresh_url=refresh_url)):
        assert drive(hook) == 200

    assert [got.target for got in service.received] == asked
    assert service.received[-1].headers["authorization"] == "Bearer t2"


@pytest.mark.parametrize("drive", DRIVERS, ids=lambda drive: drive.__name__)
@pytest.mark.parametrize(("status", "retryable"), [(400, False), (401, False), (503, True)])
def test_where_no_token_is_to_be_had_nothing_is_sent(
    service: Any, hook: CloudFunctionHook, drive: Callable[[CloudFunctionHook], int], status: int, retryable: bool
) -> None:
    service.answer(status=status, body=b'{"error": "no"}')
    client = an_expired_token(hook.client(), service.url, refresh_url=f"{service.url}/refresh")

    with hook.sending_over(client), pytest.raises(AuthenticationError) as raised:
        drive(hook)

    assert raised.value.retryable is retryable
    assert "/orders" not in [got.target for got in service.received]


@pytest.mark.parametrize("drive", DRIVERS, ids=lambda drive: drive.__name__)
@pytest.mark.parametrize(
    ("extra", "where"),
    [
        ({"auth_type": "bearer"}, "authorization"),
        ({"auth_type": "basic", "username": "me"}, "authorization"),
        ({"auth_type": "api_key", "key_name": "X-Api-Key"}, "x-api-key"),
        ({"auth_type": "hmac", "hmac_header": "X-Sign"}, "x-sign"),
        (
            {"auth_type": "sigv4", "aws_service": "execute-api", "aws_region": "eu-west-1", "aws_key_id": "AKIA1"},
            "authorization",
        ),
    ],
    ids=lambda value: value.get("auth_type") if isinstance(value, dict) else None,
)
def test_a_redirect_within_the_origin_is_followed_with_credentials(
    service: Any, connection: Any, drive: Callable[[CloudFunctionHook], int], extra: dict[str, Any], where: str
) -> None:
    connection("shop", conn_type="cloudfn", host=service.url, password=SECRET, extra=extra)
    answer = type(service.answers[0])
    service.answers = [answer(307, b"", {"Location": "/there"}), answer()]
    hook = CloudFunctionHook("shop")

    assert drive(hook) == 200
    assert [(got.target, where in got.headers) for got in service.received] == [("/orders", True), ("/there", True)]
