"""What Airflow's database can keep of an event that came in: a large payload goes to the storage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_cloudfn.events.claim_check import event_storage, put_aside
from airflow_provider_cloudfn.events.size_limit import is_too_large
from airflow_provider_cloudfn.webhooks.refused import RefusedError

if TYPE_CHECKING:
    from airflow_provider_cloudfn.events.record import CompletionRecord

__all__ = ["storable"]


def storable(record: CompletionRecord) -> CompletionRecord:
    """
    Return a record as an asset event can have it.

    :raises RefusedError: 413 for a payload that is too large, where no storage is named.
    :raises ConfigurationError: for a storage that is none.
    """
    if not is_too_large(record.result):
        return record
    if (folder := event_storage()) is None:
        raise RefusedError(413, "event_too_large")
    return put_aside(record, folder)
