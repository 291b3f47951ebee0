"""A connection that Airflow does not know."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.hooks.amazon_connect import AmazonConnectHook
from airflow_provider_cloudfn.hooks.cloudfn import CloudFunctionHook
from airflow_provider_cloudfn.hooks.emporix import EmporixHook
from airflow_provider_cloudfn.hooks.registry import ahook_for, hook_for

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("airflow_database")


@pytest.mark.parametrize(
    ("ask", "parameter", "types"),
    [
        (lambda: CloudFunctionHook("nowhere").settings(), "cloudfn_conn_id", "cloudfn"),
        (lambda: asyncio.run(CloudFunctionHook("nowhere").asettings()), "cloudfn_conn_id", "cloudfn"),
        (lambda: AmazonConnectHook("nowhere").settings(), "amazon_connect_conn_id", "amazon_connect"),
        (lambda: EmporixHook("nowhere").settings(), "emporix_conn_id", "emporix_oe"),
        (lambda: hook_for("nowhere"), "cloudfn_conn_id", "cloudfn or amazon_connect"),
        (lambda: hook_for("nowhere", parameter="http_conn_id"), "http_conn_id", "cloudfn or amazon_connect"),
        (lambda: asyncio.run(ahook_for("nowhere")), "cloudfn_conn_id", "cloudfn or amazon_connect"),
    ],
)
def test_it_is_named_with_its_parameter_and_its_types(ask: Callable[[], Any], parameter: str, types: str) -> None:
    with pytest.raises(ConfigurationError) as missing:
        ask()

    assert str(missing.value).startswith(f"{parameter}: there is no connection 'nowhere': make one of type {types}, or")
    # Airflow says the same where it could not be reached.
    assert missing.value.retryable
