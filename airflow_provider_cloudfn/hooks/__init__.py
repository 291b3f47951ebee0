"""
One hook for each connection type: from a connection to its settings to a client.

The names are loaded when they are first used: who imports one module of this package loads no other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_cloudfn import lazy_names

__all__ = ["AmazonConnectHook", "CloudFunctionHook", "CloudFunctionHttpHook", "EmporixHook"]

if TYPE_CHECKING:
    from airflow_provider_cloudfn.hooks.amazon_connect import AmazonConnectHook as AmazonConnectHook
    from airflow_provider_cloudfn.hooks.cloudfn import CloudFunctionHook as CloudFunctionHook
    from airflow_provider_cloudfn.hooks.emporix import EmporixHook as EmporixHook
    from airflow_provider_cloudfn.hooks.http_adapter import CloudFunctionHttpHook as CloudFunctionHttpHook

_HOMES = {
    "AmazonConnectHook": "airflow_provider_cloudfn.hooks.amazon_connect",
    "CloudFunctionHook": "airflow_provider_cloudfn.hooks.cloudfn",
    "CloudFunctionHttpHook": "airflow_provider_cloudfn.hooks.http_adapter",
    "EmporixHook": "airflow_provider_cloudfn.hooks.emporix",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
