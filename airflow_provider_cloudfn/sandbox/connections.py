"""Airflow connections to a sandbox, for the examples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.sandbox.access import API_KEY_HEADER, API_KEY_PARAMETER
from airflow_provider_cloudfn.sandbox.amazon_connect import PREFIX, REGION
from airflow_provider_cloudfn.sandbox.emporix import CONTEXT_PATH

if TYPE_CHECKING:
    from airflow_provider_cloudfn.sandbox.credentials import Credentials

__all__ = ["connections"]


def connections(url: str, credentials: Credentials) -> dict[str, dict[str, Any]]:
    """
    Return Airflow connections by their ids: each is what ``AIRFLOW_CONN_…`` takes as JSON.

    ``shop`` has an API key in a header, ``payments`` uses OAuth 2.0, ``cloudfn_default`` an API key in the query;
    ``amazon_connect_default`` is Amazon Connect, ``emporix`` and ``emporix_oe_default`` are the Orchestration Engine,
    ``celonis`` is the one in the Celonis Platform, and ``process_engine`` says that Emporix may send events.

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
            "context_path": CONTEXT_PATH,
        },
    }
    celonis = {
        "conn_type": "emporix_oe",
        "description": "Sandbox: the process engine in the Celonis Platform",
        "login": credentials.package_key,
        "extra": {
            "environment": "celonis",
            "api_url": url,
            "client_id": credentials.emporix_client_id,
            "client_secret": credentials.emporix_client_secret,
            "context_path": CONTEXT_PATH,
        },
    }

    def with_api_key(location: str, name: str, description: str) -> dict[str, Any]:
        return {
            "conn_type": "cloudfn",
            "description": f"Sandbox: the shop, with an API key in {description}",
            "host": f"{url}/{location}",
            "password": credentials.api_key,
            "extra": {
                "auth_type": "api_key",
                "key_location": location,
                "key_name": name,
                "health_path": "/v1/health",
            },
        }

    return {
        "shop": with_api_key("header", API_KEY_HEADER, "a header"),
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
        "cloudfn_default": with_api_key("query", API_KEY_PARAMETER, "the query"),
        "amazon_connect_default": {
            "conn_type": "amazon_connect",
            "description": "Sandbox: Amazon Connect",
            "login": credentials.aws_key_id,
            "password": credentials.aws_secret_key,
            "extra": {"region_name": REGION, "endpoint_url": f"{url}{PREFIX}"},
        },
        "emporix": emporix,
        "emporix_oe_default": emporix,
        "celonis": celonis,
        "process_engine": {
            "conn_type": "cloudfn_event_source",
            "description": "Sandbox: events of its processes",
            "password": credentials.event_secret,
            "extra": {"scheme": "emporix_oe", "event_types": "process.*"},
        },
    }
