"""
The steps that a Dag author writes.

The names are loaded when they are first used: who imports one module of this package loads no other.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__all__ = ["CloudFunctionOperator", "EmporixStartOperator"]

if TYPE_CHECKING:
    from airflow_provider_cloudfn.operators.cloudfn import CloudFunctionOperator as CloudFunctionOperator
    from airflow_provider_cloudfn.operators.emporix import EmporixStartOperator as EmporixStartOperator

_HOMES = {
    "CloudFunctionOperator": "airflow_provider_cloudfn.operators.cloudfn",
    "EmporixStartOperator": "airflow_provider_cloudfn.operators.emporix",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
