"""
Cloud functions for Apache Airflow: authenticated calls to any web service, and the events that they complete with.

The public names are loaded when they are first used: Airflow imports this package in every one of its processes.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = [
    "CloudFunctionOperator",
    "CompletionEvent",
    "CompletionRecord",
    "EmporixStartOperator",
    "cel",
    "lit",
]

if TYPE_CHECKING:
    from airflow_provider_cloudfn import cel as cel
    from airflow_provider_cloudfn.cel import lit as lit
    from airflow_provider_cloudfn.events.asset import CompletionEvent as CompletionEvent
    from airflow_provider_cloudfn.events.record import CompletionRecord as CompletionRecord
    from airflow_provider_cloudfn.operators.cloudfn import CloudFunctionOperator as CloudFunctionOperator
    from airflow_provider_cloudfn.operators.emporix import EmporixStartOperator as EmporixStartOperator

_HOMES = {
    "CloudFunctionOperator": "airflow_provider_cloudfn.operators.cloudfn",
    "CompletionEvent": "airflow_provider_cloudfn.events.asset",
    "CompletionRecord": "airflow_provider_cloudfn.events.record",
    "EmporixStartOperator": "airflow_provider_cloudfn.operators.emporix",
    "lit": "airflow_provider_cloudfn.cel",
}


def __getattr__(name: str) -> Any:
    if name == "cel":
        return importlib.import_module("airflow_provider_cloudfn.cel")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
