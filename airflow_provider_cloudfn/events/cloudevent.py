"""A completion record as a CloudEvent (CloudEvents 1.0.2) and back, without loss."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from airflow_provider_cloudfn.events.record import CompletionRecord, TaskInstanceKey
from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.json_encoding import to_json_value

if TYPE_CHECKING:
    from cloudevents.core.v1.event import CloudEvent

__all__ = ["from_cloudevent", "to_cloudevent"]


def to_cloudevent(record: CompletionRecord) -> CloudEvent:
    """
    Return the record as a CloudEvent: ``occurredAt`` is its ``time``, ``result`` its ``data``.

    What CloudEvents has no attribute for goes into extension attributes, whose names may have lower-case letters and digits
    only (section 3.1): ``function``, ``dagid``, ``runid``, ``taskid``, ``mapindex``.

    :param record: A completion record.
    """
    from cloudevents.core.v1.event import CloudEvent

    return CloudEvent(
        attributes={
            "specversion": "1.0",
            "id": record.id,
            "type": record.type,
            "source": record.source,
            "subject": record.subject,
            "time": record.occurred_at,
            "datacontenttype": "application/json",
            "function": record.function,
            "dagid": record.producer.dag_id,
            "runid": record.producer.run_id,
            "taskid": record.producer.task_id,
            "mapindex": record.producer.map_index,
        },
        # The library's type leaves lists, numbers and null out; its JSON format carries them all the same.
        data=record.result,  # type: ignore[arg-type]  # cloudevents types data as dict | str | bytes
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
    return CompletionRecord(
        id=text("id"),
        type=text("type"),
        source=text("source"),
        subject=text("subject"),
        occurred_at=time,
        function=text("function"),
        producer=TaskInstanceKey(text("dagid"), text("runid"), text("taskid"), map_index),
        result=to_json_value(event.get_data()),
    )
