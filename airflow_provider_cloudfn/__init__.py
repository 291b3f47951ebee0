"""
Cloud functions for Apache Airflow: authenticated calls to any web service, and the events that they complete with.

The public names are loaded when they are first used: Airflow imports this package in every one of its processes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_cloudfn.lazy_names import lazy_names

__version__ = "0.1.0"

__all__ = [
    "AmazonConnectHook",
    "CloudFunctionHook",
    "CloudFunctionHttpSensor",
    "CloudFunctionOperator",
    "CloudFunctionRetryPolicy",
    "CompletionEvent",
    "CompletionRecord",
    "EmporixHook",
    "EmporixStartOperator",
    "cel",
    "lit",
    "secret",
]

if TYPE_CHECKING:
    from airflow_provider_cloudfn import cel as cel
    from airflow_provider_cloudfn.cel import lit as lit
    from airflow_provider_cloudfn.client.secret import secret as secret
    from airflow_provider_cloudfn.events.asset import CompletionEvent as CompletionEvent
    from airflow_provider_cloudfn.events.record import CompletionRecord as CompletionRecord
    from airflow_provider_cloudfn.hooks.amazon_connect import AmazonConnectHook as AmazonConnectHook
    from airflow_provider_cloudfn.hooks.cloudfn import CloudFunctionHook as CloudFunctionHook
    from airflow_provider_cloudfn.hooks.emporix import EmporixHook as EmporixHook
    from airflow_provider_cloudfn.operators.cloudfn import CloudFunctionOperator as CloudFunctionOperator
    from airflow_provider_cloudfn.operators.emporix import EmporixStartOperator as EmporixStartOperator
    from airflow_provider_cloudfn.retry_policy import CloudFunctionRetryPolicy as CloudFunctionRetryPolicy
    from airflow_provider_cloudfn.sensors.http import CloudFunctionHttpSensor as CloudFunctionHttpSensor

_HOMES = {
    "AmazonConnectHook": "airflow_provider_cloudfn.hooks.amazon_connect",
    "CloudFunctionHook": "airflow_provider_cloudfn.hooks.cloudfn",
    "CloudFunctionHttpSensor": "airflow_provider_cloudfn.sensors.http",
    "CloudFunctionOperator": "airflow_provider_cloudfn.operators.cloudfn",
    "CloudFunctionRetryPolicy": "airflow_provider_cloudfn.retry_policy",
    "CompletionEvent": "airflow_provider_cloudfn.events.asset",
    "CompletionRecord": "airflow_provider_cloudfn.events.record",
    "EmporixHook": "airflow_provider_cloudfn.hooks.emporix",
    "EmporixStartOperator": "airflow_provider_cloudfn.operators.emporix",
    "cel": "airflow_provider_cloudfn.cel",
    "lit": "airflow_provider_cloudfn.cel",
    "secret": "airflow_provider_cloudfn.client.secret",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
