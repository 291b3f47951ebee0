"""
A stand-in for the world outside, on loopback: a shop's API, an OAuth 2.0 token endpoint, Emporix and Amazon Connect.

It serves the demo, the examples and the tests. Nothing is imported before it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_cloudfn import lazy_names

__all__ = ["Credentials", "Process", "RecordedRequest", "Sandbox"]

if TYPE_CHECKING:
    from airflow_provider_cloudfn.sandbox.credentials import Credentials as Credentials
    from airflow_provider_cloudfn.sandbox.journal import RecordedRequest as RecordedRequest
    from airflow_provider_cloudfn.sandbox.processes import Process as Process
    from airflow_provider_cloudfn.sandbox.server import Sandbox as Sandbox

_HOMES = {
    "Credentials": "airflow_provider_cloudfn.sandbox.credentials",
    "Process": "airflow_provider_cloudfn.sandbox.processes",
    "RecordedRequest": "airflow_provider_cloudfn.sandbox.journal",
    "Sandbox": "airflow_provider_cloudfn.sandbox.server",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
