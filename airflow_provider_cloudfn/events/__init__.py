"""Completion events: the asset, the record, and the CloudEvent that a record can become."""

from __future__ import annotations

from airflow_provider_cloudfn.events.asset import CompletionEvent
from airflow_provider_cloudfn.events.record import CompletionRecord

__all__ = ["CompletionEvent", "CompletionRecord"]
