"""
The steps that a Dag author writes.

The names are loaded when they are first used: who imports one module of this package loads no other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_cloudfn import lazy_names

__all__ = ["CloudFunctionOperator", "EmporixStartOperator"]

if TYPE_CHECKING:
    from airflow_provider_cloudfn.operators.cloudfn import CloudFunctionOperator as CloudFunctionOperator
    from airflow_provider_cloudfn.operators.emporix import EmporixStartOperator as EmporixStartOperator

_HOMES = {
    "CloudFunctionOperator": "airflow_provider_cloudfn.operators.cloudfn",
    "EmporixStartOperator": "airflow_provider_cloudfn.operators.emporix",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
