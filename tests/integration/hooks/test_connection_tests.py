"""The connection test proves credentials, and changes nothing at the service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import pytest
from airflow.sdk import BaseHook, Connection

from airflow_provider_cloudfn.exceptions import CloudFunctionError
from airflow_provider_cloudfn.hooks.cloudfn import CloudFunctionHook
from airflow_provider_cloudfn.hooks.emporix import EmporixHook

if TYPE_CHECKING:
    from airflow_provider_cloudfn.sandbox.server import Sandbox

SECRET = "hunter2-79402633"
KEY = {"auth_type": "api_key", "key_name": "x-api-key"}


@pytest.mark.parametrize(
    ("status", "extra", "good"),
    [
        (200, KEY, True),
        (404, KEY, True),
        (500, KEY, True),
        (401, KEY, False),
        (403, KEY, False),
        (403, {"auth_type": "bearer"}, False),
        (401, {"auth_type": "none"}, True),
    ],
)
def test_an_api_key_is_proved_by_one_get(
    service: Any, connection: Any, status: int, extra: dict[str, Any], good: bool
) -> None:
    password = None if extra["auth_type"] == "none" else SECRET
    connection("shop", conn_type="cloudfn", host=f"{service.url}/v1", password=password, extra=extra)
    service.answer(status=status)

    passed, message = CloudFunctionHook("shop").test_connection()

    assert passed is good
    assert f"answered {status}" in message
    assert SECRET not in message
    assert [(got.method, got.target) for got in service.received] == [("GET", "/v1")]


def test_it_goes_to_the_health_path(service: Any, connection: Any) -> None:
    connection("shop", conn_type="cloudfn", host=f"{service.url}/v1", extra={"health_path": "/health?deep=1"})

    CloudFunctionHook("shop").test_connection()

    assert service.received[0].target == "/v1/health?deep=1"


def test_a_service_that_is_not_there_fails(service: Any, connection: Any) -> None:
    connection("shop", conn_type="cloudfn", host=service.url)
    service.stop()

    passed, message = CloudFunctionHook("shop").test_connection()

    assert not passed
    assert "no connection could be made" in message


def test_a_wrong_connection_fails_with_what_is_wrong(connection: Any) -> None:
    connection("shop", conn_type="cloudfn", host="https://api.example.com", extra={"auth_type": "api_key"})

    passed, message = CloudFunctionHook("shop").test_connection()

    assert not passed
    assert "key_name (API key: Name): is missing" in message


def test_oauth2_gets_a_new_token_each_time(sandbox: Sandbox, connection: Any) -> None:
    sandbox.reset()
    connection("payments", **sandbox.connections()["payments"])

    for _ in range(2):
        passed, message = CloudFunctionHook("payments").test_connection()
        assert passed
        assert "gave an access token" in message

    assert [request.path for request in sandbox.requests] == ["/oauth2/token", "/oauth2/token"]


def test_oauth2_with_a_wrong_secret_fails_and_says_what_came_back(sandbox: Sandbox, connection: Any) -> None:
    connection("payments", **{**sandbox.connections()["payments"], "password": SECRET})

    passed, message = CloudFunctionHook("payments").test_connection()

    assert not passed
    assert "invalid_client" in message
    assert SECRET not in message


def test_a_client_secret_that_the_token_endpoint_echoes_is_hidden_in_each_form(
    recording_server: Any, connection: Any
) -> None:
    secret = "cl/ient s3cret&more"
    recording_server.answer(400, {"error": "invalid_client", "error_description": f"{quote_plus(secret)}, {secret}"})
    connection(
        "payments",
        conn_type="cloudfn",
        host=recording_server.url,
        password=secret,
        extra={
            "auth_type": "oauth2",
            "client_id": "c",
            "oauth2_url": f"{recording_server.url}/token",
            "client_auth_method": "client_secret_post",
        },
    )

    passed, message = CloudFunctionHook("payments").test_connection()

    assert not passed
    assert "'***, ***'" in message


def test_emporix_gives_an_api_token_and_the_event_secret_stays_untested(sandbox: Sandbox, connection: Any) -> None:
    sandbox.reset()
    connection("oe", **sandbox.connections()["emporix"])

    passed, message = EmporixHook("oe").test_connection()

    assert passed
    assert "gave an API token" in message
    assert "the event secret can't be tested without sending an event" in message
    assert sandbox.processes == []


def test_emporix_with_a_wrong_client_secret_fails(sandbox: Sandbox, connection: Any) -> None:
    fields = sandbox.connections()["emporix"]
    connection("oe", **{**fields, "extra": {**fields["extra"], "client_secret": SECRET}})

    passed, message = EmporixHook("oe").test_connection()

    assert not passed
    assert SECRET not in message


def test_emporix_without_an_api_client_says_that_nothing_was_tested(connection: Any) -> None:
    connection("oe", conn_type="emporix_oe", login="src_1", password=SECRET)

    passed, message = EmporixHook("oe").test_connection()

    assert passed
    assert "no API token was asked for" in message


@pytest.mark.skipif(not hasattr(Connection, "test_connection"), reason="a task of Airflow 3.3 can test its connections")
def test_airflow_s_own_way_to_test_a_connection_takes_our_hook(service: Any, shop: Any) -> None:
    shop(KEY, SECRET)

    passed, message = BaseHook.get_connection("shop").test_connection()

    assert passed, message
    assert [(got.method, got.headers["x-api-key"]) for got in service.received] == [("GET", SECRET)]


@pytest.mark.parametrize("status", [200, 401, 404, 302, 500])
def test_a_secret_in_the_query_of_an_address_is_told_nowhere(
    service: Any,
    connection: Any,
    shop: Any,
    status: int,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level("DEBUG")
    query = f"subscription-key={SECRET}&policy=sign-in"
    oauth2 = {
        "auth_type": "oauth2",
        "client_id": "me",
        "oauth2_url": f"{service.url}/token?{query}",
        "refresh_url": f"{service.url}/refresh?{query}",
    }
    shop(KEY | {"health_path": f"/health?{query}"}, "k")
    connection("payments", conn_type="cloudfn", host=service.url, extra=oauth2, password="a-client-secret")
    service.answer(status=status, headers={"Location": f"/elsewhere?{query}"}, body={"error": f"not at /token?{query}"})
    shown: list[Any] = []
    for conn_id in ("shop", "payments"):
        hook = CloudFunctionHook(conn_id)
        shown += [hook.test_connection(), hook.settings(), hook.client()]
    with pytest.raises(CloudFunctionError) as refused:
        CloudFunctionHook("payments").request("GET", "/v1/orders")

    assert {f"/token?{query}", f"/health?{query}"} <= {got.target for got in service.received}
    assert SECRET not in f"{[*shown, refused.value]}{refused.value}{caplog.text}{capfd.readouterr()}"
    for conn_id in ("shop", "payments"):
        assert SECRET in CloudFunctionHook(conn_id).settings().secrets()
