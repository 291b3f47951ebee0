"""
Cloud functions for Apache Airflow: authenticated calls to any web service, and the events that they complete with.

The public names are loaded when they are first used: Airflow imports this package in every one of its processes.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = [
    "AmazonConnectHook",
    "Callback",
    "CloudFunctionEventTrigger",
    "CloudFunctionHook",
    "CloudFunctionHttpSensor",
    "CloudFunctionOperator",
    "CloudFunctionRetryPolicy",
    "CloudFunctionSensor",
    "CompletionEvent",
    "CompletionEventSensor",
    "CompletionRecord",
    "Confirm",
    "Emit",
    "EmporixCompleteOperator",
    "EmporixHook",
    "EmporixProcessContextOperator",
    "EmporixResumeOperator",
    "EmporixStartOperator",
    "EventPublishOperator",
    "ForEach",
    "Pages",
    "Poll",
    "Rate",
    "WaitFor",
    "cel",
    "emit_when_failed",
    "lit",
    "secret",
]

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_cloudfn import cel as cel
    from airflow_provider_cloudfn.authoring.confirm import Confirm as Confirm
    from airflow_provider_cloudfn.authoring.emit import Emit as Emit
    from airflow_provider_cloudfn.authoring.for_each import ForEach as ForEach
    from airflow_provider_cloudfn.authoring.poll import Poll as Poll
    from airflow_provider_cloudfn.authoring.wait_for import Callback as Callback
    from airflow_provider_cloudfn.authoring.wait_for import WaitFor as WaitFor
    from airflow_provider_cloudfn.cel import lit as lit
    from airflow_provider_cloudfn.client.pages import Pages as Pages
    from airflow_provider_cloudfn.client.rate_limit import Rate as Rate
    from airflow_provider_cloudfn.client.secret import secret as secret
    from airflow_provider_cloudfn.events.asset import CompletionEvent as CompletionEvent
    from airflow_provider_cloudfn.events.record import CompletionRecord as CompletionRecord
    from airflow_provider_cloudfn.hooks.amazon_connect import AmazonConnectHook as AmazonConnectHook
    from airflow_provider_cloudfn.hooks.cloudfn import CloudFunctionHook as CloudFunctionHook
    from airflow_provider_cloudfn.hooks.emporix import EmporixHook as EmporixHook
    from airflow_provider_cloudfn.operators.cloudfn import CloudFunctionOperator as CloudFunctionOperator
    from airflow_provider_cloudfn.operators.emporix import EmporixCompleteOperator as EmporixCompleteOperator
    from airflow_provider_cloudfn.operators.emporix import EmporixResumeOperator as EmporixResumeOperator
    from airflow_provider_cloudfn.operators.emporix import EmporixStartOperator as EmporixStartOperator
    from airflow_provider_cloudfn.operators.emporix_context import (
        EmporixProcessContextOperator as EmporixProcessContextOperator,
    )
    from airflow_provider_cloudfn.operators.failure_event import emit_when_failed as emit_when_failed
    from airflow_provider_cloudfn.operators.publish import EventPublishOperator as EventPublishOperator
    from airflow_provider_cloudfn.retry_policy import CloudFunctionRetryPolicy as CloudFunctionRetryPolicy
    from airflow_provider_cloudfn.sensors.cloudfn import CloudFunctionSensor as CloudFunctionSensor
    from airflow_provider_cloudfn.sensors.completion_event import CompletionEventSensor as CompletionEventSensor
    from airflow_provider_cloudfn.sensors.http import CloudFunctionHttpSensor as CloudFunctionHttpSensor
    from airflow_provider_cloudfn.triggers.event_trigger import CloudFunctionEventTrigger as CloudFunctionEventTrigger

_HOMES = {
    "AmazonConnectHook": "airflow_provider_cloudfn.hooks.amazon_connect",
    "Callback": "airflow_provider_cloudfn.authoring.wait_for",
    "CloudFunctionEventTrigger": "airflow_provider_cloudfn.triggers.event_trigger",
    "CloudFunctionHook": "airflow_provider_cloudfn.hooks.cloudfn",
    "CloudFunctionHttpSensor": "airflow_provider_cloudfn.sensors.http",
    "CloudFunctionOperator": "airflow_provider_cloudfn.operators.cloudfn",
    "CloudFunctionSensor": "airflow_provider_cloudfn.sensors.cloudfn",
    "CloudFunctionRetryPolicy": "airflow_provider_cloudfn.retry_policy",
    "CompletionEvent": "airflow_provider_cloudfn.events.asset",
    "CompletionEventSensor": "airflow_provider_cloudfn.sensors.completion_event",
    "CompletionRecord": "airflow_provider_cloudfn.events.record",
    "Confirm": "airflow_provider_cloudfn.authoring.confirm",
    "Emit": "airflow_provider_cloudfn.authoring.emit",
    "EmporixHook": "airflow_provider_cloudfn.hooks.emporix",
    "EmporixCompleteOperator": "airflow_provider_cloudfn.operators.emporix",
    "EmporixProcessContextOperator": "airflow_provider_cloudfn.operators.emporix_context",
    "EmporixResumeOperator": "airflow_provider_cloudfn.operators.emporix",
    "EmporixStartOperator": "airflow_provider_cloudfn.operators.emporix",
    "EventPublishOperator": "airflow_provider_cloudfn.operators.publish",
    "ForEach": "airflow_provider_cloudfn.authoring.for_each",
    "Pages": "airflow_provider_cloudfn.client.pages",
    "Rate": "airflow_provider_cloudfn.client.rate_limit",
    "Poll": "airflow_provider_cloudfn.authoring.poll",
    "WaitFor": "airflow_provider_cloudfn.authoring.wait_for",
    "cel": "airflow_provider_cloudfn.cel",
    "emit_when_failed": "airflow_provider_cloudfn.operators.failure_event",
    "lit": "airflow_provider_cloudfn.cel",
    "secret": "airflow_provider_cloudfn.client.secret",
}


def lazy_names(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """
    Return the ``__getattr__`` and the ``__dir__`` of a package whose names are loaded when they are first used (PEP 562).

    :param package: Its name.
    :param homes: The module that has each name; where that is a module of the package with this very name, the module itself.
    """

    def load(name: str) -> Any:
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = importlib.import_module(home)
        value = module if home == f"{package}.{name}" else getattr(module, name)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes})

    return load, names


__getattr__, __dir__ = lazy_names(__name__, _HOMES)
