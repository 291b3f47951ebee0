"""What Airflow's database can keep of an event that came in: a large payload goes to the storage, and some it would choke on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from airflow_provider_cloudfn.events.claim_check import event_storage, put_aside
from airflow_provider_cloudfn.events.size_limit import is_too_large
from airflow_provider_cloudfn.json_encoding import encode_json
from airflow_provider_cloudfn.webhooks.refused import RefusedError

if TYPE_CHECKING:
    from airflow_provider_cloudfn.events.record import CompletionRecord

__all__ = ["storable"]

#: A NUL in JSON. PostgreSQL keeps it, and refuses every later query that looks into the column.
_NUL: Final = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def storable(record: CompletionRecord) -> CompletionRecord:
    """
    Return a record as an asset event can have it.

    :param record: The record, with its payload.
    :raises RefusedError: 422 for a NUL in it; 413 for a payload that is too large, where no storage is named.
    :raises ConfigurationError: for a storage that is none.
    """
    if _NUL.search(encode_json(record.to_dict())):
        raise RefusedError(422, "bad_event")
    if not is_too_large(record.result):
        return record
    if (folder := event_storage()) is None:
        raise RefusedError(413, "event_too_large")
    return put_aside(record, folder)
