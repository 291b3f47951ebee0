from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import Connection

from airflow_provider_cloudfn.connections.amazon_connect import AmazonConnectConnection
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
REGION = {"region_name": "eu-central-1"}


def read(*, extra: Any = None, **fields: Any) -> AmazonConnectConnection:
    return AmazonConnectConnection.from_connection(
        Connection(conn_id="shop", conn_type="amazon_connect", extra=json.dumps(extra or {}), **fields)
    )


@pytest.mark.parametrize(
    "extra",
    [
        REGION,
        {**REGION, "endpoint_url": "http://127.0.0.1:5000"},
        {
            **REGION,
            "role_arn": "arn:aws:iam::123456789012:role/airflow",
            "assume_role_method": "assume_role",
            "assume_role_kwargs": {"ExternalId": "x"},
            "config_kwargs": {"retries": {"max_attempts": 3}},
            "total_timeout": 20,
        },
    ],
)
def test_form_json_and_uri_mean_the_same(define: Callable[..., Connection], extra: dict[str, Any]) -> None:
    conn = define("amazon_connect", extra, login=KEY_ID, password=SECRET)

    settings = AmazonConnectConnection.from_connection(conn)

    assert settings == read(extra=extra, login=KEY_ID, password=SECRET)
    assert (settings.region, settings.access_key_id, settings.secret_access_key) == ("eu-central-1", KEY_ID, SECRET)


PROXY = "http://user:s3cret-word@proxy.example.com:3128"


@pytest.mark.parametrize(
    ("extra", "ca_bundle", "proxy"),
    [
        ({"verify": "/etc/ssl/company.pem"}, "/etc/ssl/company.pem", None),
        ({"verify": "/etc/ssl/company.pem", "ca_bundle": "/etc/ssl/call.pem"}, "/etc/ssl/call.pem", None),
        ({"verify": True}, None, None),
        ({"verify": "true"}, None, None),
        ({"config_kwargs": {"proxies": {"http": "http://other", "https": PROXY}}}, None, PROXY),
        ({"config_kwargs": {"proxies": {"https": PROXY}}, "proxy": "http://call:3128"}, None, "http://call:3128"),
        ({"config_kwargs": {"proxies": {}}}, None, None),
    ],
)
def test_what_the_amazon_provider_reads_of_tls_and_proxies_holds_for_the_call(
    extra: dict[str, Any], ca_bundle: str | None, proxy: str | None
) -> None:
    settings = read(extra=REGION | extra)

    assert (settings.transport.ca_bundle, settings.transport.proxy) == (ca_bundle, proxy)
    assert ("s3cret-word" in settings.secrets()) is (proxy == PROXY)


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ({"verify": False}, "verify: would let anybody answer"),
        ({"verify": "false"}, "verify: would let anybody answer"),
        ({"config_kwargs": {"proxies": {"http": PROXY}}}, "config_kwargs: its proxies have none for https"),
        ({"config_kwargs": {"proxies": PROXY}}, "config_kwargs: its proxies have none for https"),
        ({"config_kwargs": {"proxies": {"https": "socks5://proxy:1"}}}, "config_kwargs: is no proxy's URL"),
    ],
)
def test_what_can_t_hold_for_the_call_is_refused(extra: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as refused:
        read(extra=REGION | extra)

    assert "s3cret-word" not in str(refused.value)


@pytest.mark.parametrize(
    ("extra", "base_url", "sts"),
    [
        (REGION, "https://connect.eu-central-1.amazonaws.com", None),
        ({"region_name": "us-gov-west-1"}, "https://connect.us-gov-west-1.amazonaws.com", None),
        ({"region_name": "cn-north-1"}, "https://connect.cn-north-1.amazonaws.com.cn", None),
        (
            {**REGION, "endpoint_url": "http://127.0.0.1:5000/"},
            "http://127.0.0.1:5000",
            "http://127.0.0.1:5000",
        ),
        (
            {**REGION, "endpoint_url": "https://vpce-1.connect.eu-central-1.vpce.amazonaws.com"},
            "https://vpce-1.connect.eu-central-1.vpce.amazonaws.com",
            None,
        ),
        (
            {
                **REGION,
                "service_config": {
                    "connect": {"endpoint_url": "http://localhost:4566"},
                    "sts": {"endpoint_url": "http://localhost:4567"},
                },
            },
            "http://localhost:4566",
            "http://localhost:4567",
        ),
    ],
)
def test_where_requests_go(extra: dict[str, Any], base_url: str, sts: str | None) -> None:
    settings = read(extra=extra, login=KEY_ID, password=SECRET)

    assert settings.base_url == base_url
    assert settings.sts_endpoint_url == sts


def test_credentials_may_be_the_amazon_provider_s_to_find() -> None:
    settings = read(extra={**REGION, "profile_name": "connect"})

    assert (settings.access_key_id, settings.secret_access_key) == (None, None)
    assert settings.extra["profile_name"] == "connect"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "region_name (Default region): is missing, and the address of Amazon Connect needs it"),
        ({"extra": {"region_name": "evil.example/"}}, "region_name (Default region): got 'evil.example/'"),
        ({"extra": {"region": "eu-central-1"}}, "no extra field 'region'; did you mean 'region_name'?"),
        ({"extra": REGION, "login": KEY_ID}, "password (Secret access key): is missing, and login holds"),
        ({"extra": REGION, "password": SECRET}, "login (Access key ID): is missing, and the password holds"),
        ({"extra": REGION, "login": KEY_ID, "password": SECRET + " "}, "begins or ends with white space"),
        ({"extra": REGION, "host": "https://x.example"}, "host: must be empty: the region decides the address"),
        (
            {"extra": {**REGION, "endpoint_url": "http://x.example"}},
            "endpoint_url (Endpoint URL): got 'http://x.example'",
        ),
        ({"extra": {**REGION, "role_arn": "airflow"}}, "role_arn (Role): got 'airflow'; write such as 'arn:aws:iam::"),
        ({"extra": {**REGION, "assume_role_kwargs": "x"}}, "assume_role_kwargs: is no JSON"),
        ({"extra": {**REGION, "service_config": []}, "login": "", "password": SECRET}, "login (Access key ID)"),
    ],
)
def test_what_is_refused_and_how_that_is_said(fields: dict[str, Any], expected: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read(**fields)

    assert str(raised.value).startswith("connection 'shop'")
    assert expected in str(raised.value)
    assert SECRET not in str(raised.value)


def test_no_secret_is_in_the_repr_and_all_are_told() -> None:
    settings = read(
        extra={
            **REGION,
            "aws_session_token": "t0ken-of-a-session",
            "session_kwargs": {"aws_secret_access_key": "an0ther"},
        },
        login=KEY_ID,
        password=SECRET,
    )

    assert set(settings.secrets()) == {SECRET, "t0ken-of-a-session", "an0ther"}
    assert not any(secret in repr(settings) for secret in settings.secrets())
