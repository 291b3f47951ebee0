"""Cloud functions for Apache Airflow: authenticated calls to any web service, and the events that they complete with."""

from __future__ import annotations

__version__ = "0.1.0"
