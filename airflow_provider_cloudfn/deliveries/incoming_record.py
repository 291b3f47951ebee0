"""An event from outside as the completion record that it becomes."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Final

from airflow_provider_cloudfn.events.record import CompletionRecord

if TYPE_CHECKING:
    from airflow_provider_cloudfn.webhooks.incoming import IncomingEvent

__all__ = ["incoming_record"]

_NAMESPACE: Final = uuid.UUID("7b1f3c52-7d5e-5b0c-8c0e-5a2f6d0b9e41")


def incoming_record(source: str, event: IncomingEvent) -> CompletionRecord:
    """
    Return the record of an event.

    Its id is made of the event source and what tells the event from every other one there. Two sources that both count from 1
    are told apart by it.
    """
    return CompletionRecord(
        id=str(uuid.uuid5(_NAMESPACE, json.dumps([source, event.identity]))),
        type=event.type,
        source=event.source,
        subject=event.subject or "",
        occurred_at=event.occurred_at,
        function=source,
        producer=None,
        result=event.data,
        sender_id=event.id,
        extensions=event.attributes,
    )
