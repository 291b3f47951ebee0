"""
The steps that a Dag author writes.

The names are loaded when they are first used: who imports one module of this package loads no other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_cloudfn import lazy_names

__all__ = [
    "CloudFunctionOperator",
    "EmporixCompleteOperator",
    "EmporixProcessContextOperator",
    "EmporixResumeOperator",
    "EmporixStartOperator",
    "EventPublishOperator",
]

if TYPE_CHECKING:
    from airflow_provider_cloudfn.operators.cloudfn import CloudFunctionOperator as CloudFunctionOperator
    from airflow_provider_cloudfn.operators.emporix import EmporixCompleteOperator as EmporixCompleteOperator
    from airflow_provider_cloudfn.operators.emporix import EmporixResumeOperator as EmporixResumeOperator
    from airflow_provider_cloudfn.operators.emporix import EmporixStartOperator as EmporixStartOperator
    from airflow_provider_cloudfn.operators.emporix_context import (
        EmporixProcessContextOperator as EmporixProcessContextOperator,
    )
    from airflow_provider_cloudfn.operators.publish import EventPublishOperator as EventPublishOperator

_HOMES = {
    "CloudFunctionOperator": "airflow_provider_cloudfn.operators.cloudfn",
    "EmporixCompleteOperator": "airflow_provider_cloudfn.operators.emporix",
    "EmporixProcessContextOperator": "airflow_provider_cloudfn.operators.emporix_context",
    "EmporixResumeOperator": "airflow_provider_cloudfn.operators.emporix",
    "EmporixStartOperator": "airflow_provider_cloudfn.operators.emporix",
    "EventPublishOperator": "airflow_provider_cloudfn.operators.publish",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
