"""Airflow connections to a sandbox, for the examples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.sandbox.access import API_KEY_HEADER, API_KEY_PARAMETER

if TYPE_CHECKING:
    from airflow_provider_cloudfn.sandbox.credentials import Credentials

__all__ = ["connections"]


def connections(url: str, credentials: Credentials) -> dict[str, dict[str, Any]]:
    """
    Return Airflow connections by their ids: each is what ``AIRFLOW_CONN_…`` takes as JSON.

    ``shop`` has an API key in a header, ``payments`` uses OAuth 2.0, ``cloudfn_default`` an API key in the query;
    ``emporix`` and ``emporix_oe_default`` are the Orchestration Engine.

    :param url: Where the sandbox is, without a slash at the end.
    :param credentials: What it knows.
    """
    emporix = {
        "conn_type": "emporix_oe",
        "description": "Sandbox: the Orchestration Engine",
        "login": credentials.event_source,
        "password": credentials.event_secret,
        "extra": {
            "environment": "custom",
            "event_receiver_url": f"{url}/e",
            "api_url": url,
            "client_id": credentials.emporix_client_id,
            "client_secret": credentials.emporix_client_secret,
        },
    }
    return {
        "shop": {
            "conn_type": "cloudfn",
            "description": "Sandbox: the shop, with an API key in a header",
            "host": f"{url}/header",
            "password": credentials.api_key,
            "extra": {
                "auth_type": "api_key",
                "key_location": "header",
                "key_name": API_KEY_HEADER,
                "health_path": "/v1/health",
            },
        },
        "payments": {
            "conn_type": "cloudfn",
            "description": "Sandbox: the shop, with OAuth 2.0",
            "host": f"{url}/oauth2",
            "password": credentials.client_secret,
            "extra": {
                "auth_type": "oauth2",
                "client_id": credentials.client_id,
                "scopes": "shop.read shop.write",
                "oauth2_url": f"{url}/oauth2/token",
                "refresh_url": f"{url}/oauth2/refresh",
            },
        },
        "cloudfn_default": {
            "conn_type": "cloudfn",
            "description": "Sandbox: the shop, with an API key in the query",
            "host": f"{url}/query",
            "password": credentials.api_key,
            "extra": {
                "auth_type": "api_key",
                "key_location": "query",
                "key_name": API_KEY_PARAMETER,
                "health_path": "/v1/health",
            },
        },
        "emporix": emporix,
        "emporix_oe_default": emporix,
    }
