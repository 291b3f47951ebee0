"""
What waits for a service to say that something is there.

The names are loaded when they are first used: who imports one module of this package loads no other.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__all__ = ["CloudFunctionHttpSensor"]

if TYPE_CHECKING:
    from airflow_provider_cloudfn.sensors.http import CloudFunctionHttpSensor as CloudFunctionHttpSensor

_HOMES = {
    "CloudFunctionHttpSensor": "airflow_provider_cloudfn.sensors.http",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
