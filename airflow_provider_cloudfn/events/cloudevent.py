"""A completion record as a CloudEvent (CloudEvents 1.0.2) and back, without loss."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn.events.record import CompletionRecord, TaskInstanceKey
from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.json_encoding import restored, to_json_value

if TYPE_CHECKING:
    from cloudevents.core.v1.event import CloudEvent

__all__ = ["extension_attributes", "from_cloudevent", "to_cloudevent"]

#: What metadata call what they have of the task instance that emitted the event, and how CloudEvents' extensions call it.
_PRODUCER: Final = {"dag_id": "dagid", "run_id": "runid", "task_id": "taskid"}
_EXTENSIONS: Final = {"function": "function", **_PRODUCER, "map_index": "mapindex", "sender_id": "senderid"}
#: The attributes that a record has a place of its own for.
_KNOWN: Final = frozenset({
    *("specversion", "id", "type", "source", "subject", "time", "datacontenttype"), *_EXTENSIONS.values(),
})  # fmt: skip


def extension_attributes(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return what a record has besides CloudEvents' own attributes, under names that extensions may have (section 3.1).

    :param metadata: The record's. A map index is a task instance's, and a record that came in has none.
    """
    has_producer = any(metadata.get(name) is not None for name in _PRODUCER)
    own = {name: metadata.get(ours) for ours, name in _EXTENSIONS.items() if ours != "map_index" or has_producer}
    came_in = metadata.get("extensions")
    return {
        **(came_in if isinstance(came_in, Mapping) else {}),
        **{name: value for name, value in own.items() if value is not None},
    }


def to_cloudevent(record: CompletionRecord) -> CloudEvent:
    """
    Return the record as a CloudEvent: ``occurredAt`` is its ``time``, ``result`` its ``data``.

    What CloudEvents has no attribute for goes into extension attributes, whose names may have lower-case letters and digits
    only (section 3.1): ``function``, ``dagid``, ``runid``, ``taskid``, ``mapindex``; of what came in, ``senderid`` and its
    own extension attributes. A payload that lies in an object storage is not fetched: ``dataref``, the extension of CloudEvents'
    claim check, says where it is.

    :param record: A completion record.
    """
    from cloudevents.core.v1.event import CloudEvent

    metadata: Any = record.to_dict()["metadata"]
    return CloudEvent(
        attributes={
            **extension_attributes(metadata),
            "specversion": "1.0",
            "id": record.id,
            "type": record.type,
            "source": record.source,
            **({"subject": record.subject} if record.subject else {}),
            "time": record.occurred_at,
            "datacontenttype": "application/json",
            **({} if record.dataref is None else {"dataref": record.dataref}),
        },
        # The library's type leaves lists, numbers and null out; its JSON format carries them all the same.
        data=restored(record.result),
    )


def from_cloudevent(event: CloudEvent) -> CompletionRecord:
    """
    Return a CloudEvent as a completion record.

    :param event: A CloudEvent that :func:`to_cloudevent` made, perhaps after a journey over HTTP.
    :raises ConfigurationError: for an event that lacks an attribute; the message names it.
    """
    attributes = event.get_attributes()

    def text(name: str) -> str:
        value = attributes.get(name)
        if not isinstance(value, str):
            raise ConfigurationError(f"the CloudEvent is no completion record: it has no attribute {name!r}")
        return value

    time = event.get_time()
    if not isinstance(time, dt.datetime):
        raise ConfigurationError("the CloudEvent is no completion record: it has no attribute 'time'")
    index = attributes.get("mapindex", -1)
    try:
        # Over HTTP every attribute is text.
        map_index = int(index)
    except (TypeError, ValueError):
        raise ConfigurationError("the CloudEvent's attribute 'mapindex' is no integer") from None
    came_in = not any(name in attributes for name in _PRODUCER.values())
    return CompletionRecord(
        id=text("id"),
        type=text("type"),
        source=text("source"),
        subject=text("subject") if "subject" in attributes or not came_in else "",
        occurred_at=time,
        function=text("function"),
        producer=None if came_in else TaskInstanceKey(text("dagid"), text("runid"), text("taskid"), map_index),
        result=to_json_value(event.get_data()),
        # A sender's own stays an extension: what it refers to is not ours to read.
        dataref=None if came_in or attributes.get("dataref") is None else text("dataref"),
        sender_id=text("senderid") if "senderid" in attributes else None,
        extensions={name: value for name, value in attributes.items() if name not in _KNOWN} if came_in else {},
    )
