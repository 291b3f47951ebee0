"""The extra ``rate_limit``, which every connection type has and no form draws."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_cloudfn.client.rate_limit import Rate
from airflow_provider_cloudfn.connections.amazon_connect import AmazonConnectConnection
from airflow_provider_cloudfn.connections.cloudfn import CloudFunctionConnection
from airflow_provider_cloudfn.connections.emporix import EmporixConnection
from airflow_provider_cloudfn.connections.forms import FORMS
from airflow_provider_cloudfn.exceptions import ConfigurationError

TYPES: list[Any] = [
    pytest.param("cloudfn", CloudFunctionConnection, {}, {"host": "https://api.example.com"}, id="cloudfn"),
    pytest.param("amazon_connect", AmazonConnectConnection, {"region_name": "eu-central-1"}, {}, id="amazon_connect"),
    pytest.param("emporix_oe", EmporixConnection, {}, {"login": "src_1", "password": "s3cret"}, id="emporix_oe"),
]


@pytest.mark.parametrize(("conn_type", "settings", "extra", "fields"), TYPES)
def test_every_connection_type_has_a_rate_limit(
    define: Any, conn_type: str, settings: Any, extra: dict[str, Any], fields: dict[str, Any]
) -> None:
    conn = define(conn_type, {**extra, "rate_limit": "6000/min"}, **fields)

    assert settings.from_connection(conn).transport.rate_limit == Rate(6000, 60)


@pytest.mark.parametrize(("conn_type", "settings", "extra", "fields"), TYPES)
def test_without_it_there_is_none(
    define: Any, conn_type: str, settings: Any, extra: dict[str, Any], fields: dict[str, Any]
) -> None:
    assert settings.from_connection(define(conn_type, extra, **fields)).transport.rate_limit is None


@pytest.mark.parametrize(("conn_type", "settings", "extra", "fields"), TYPES)
@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("100", "'100' is no rate; write such as '50/s', '6000/min' or '10/2s' (s, min, h or d)"),
        ("many", "'many' is no rate"),
        ("0/s", "a rate's count must be a whole number from 1 to 1,000,000, not 0"),
        ("5/3d", "a rate's time must be from 0.001 seconds to a day, not 259200.0 seconds"),
    ],
)
def test_what_makes_no_sense_is_refused_by_the_field_s_name(
    define: Any, conn_type: str, settings: Any, extra: dict[str, Any], fields: dict[str, Any], written: str, told: str
) -> None:
    conn = define(conn_type, {**extra, "rate_limit": written}, **fields)

    with pytest.raises(ConfigurationError) as raised:
        settings.from_connection(conn)

    assert str(raised.value).startswith(f"connection 'shop', rate_limit: {told}")


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.connection_type)
def test_no_form_draws_it(form: Any) -> None:
    assert "rate_limit" not in form.connection_type_info()["conn-fields"]


def test_the_amazon_provider_is_not_told_of_it(define: Any) -> None:
    conn = define("amazon_connect", {"region_name": "eu-central-1", "rate_limit": "5/s"})

    assert dict(AmazonConnectConnection.from_connection(conn).extra) == {"region_name": "eu-central-1"}
