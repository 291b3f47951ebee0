"""
What waits for a service to say that something is there.

The names are loaded when they are first used: who imports one module of this package loads no other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_cloudfn import lazy_names

__all__ = ["CloudFunctionHttpSensor", "CloudFunctionSensor", "CompletionEventSensor"]

if TYPE_CHECKING:
    from airflow_provider_cloudfn.sensors.cloudfn import CloudFunctionSensor as CloudFunctionSensor
    from airflow_provider_cloudfn.sensors.completion_event import CompletionEventSensor as CompletionEventSensor
    from airflow_provider_cloudfn.sensors.http import CloudFunctionHttpSensor as CloudFunctionHttpSensor

_HOMES = {
    "CloudFunctionHttpSensor": "airflow_provider_cloudfn.sensors.http",
    "CloudFunctionSensor": "airflow_provider_cloudfn.sensors.cloudfn",
    "CompletionEventSensor": "airflow_provider_cloudfn.sensors.completion_event",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
