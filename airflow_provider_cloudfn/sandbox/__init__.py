"""
A stand-in for the world outside: a shop's API, an OAuth 2.0 token endpoint, and Emporix' event receiver, on loopback.

It serves the demo, the examples and the tests. Nothing is imported before it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__all__ = ["Credentials", "Process", "RecordedRequest", "Sandbox"]

if TYPE_CHECKING:
    from airflow_provider_cloudfn.sandbox.credentials import Credentials as Credentials
    from airflow_provider_cloudfn.sandbox.journal import RecordedRequest as RecordedRequest
    from airflow_provider_cloudfn.sandbox.processes import Process as Process
    from airflow_provider_cloudfn.sandbox.server import Sandbox as Sandbox

_HOMES = {"Credentials": "credentials", "Process": "processes", "RecordedRequest": "journal", "Sandbox": "server"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
