"""The completion record: the one shape that a completion event has, in XCom and as the asset event's extra."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from airflow_provider_cloudfn.exceptions import ConfigurationError, in_words
from airflow_provider_cloudfn.json_encoding import JsonValue, timestamp_text, to_json_value

__all__ = ["RECORD_KEY", "CompletionRecord", "TaskInstanceKey"]

#: The XCom key under which a step leaves its record.
RECORD_KEY = "completion_event"

_NAMESPACE = uuid.UUID("0f6a3c0e-6d0a-5d7e-9c4b-0f2f6b1c7f3a")


# Dataclasses: users hold them, and Airflow can keep them as XCom.
@dataclass(frozen=True, slots=True)
class TaskInstanceKey:
    """
    What names a task instance over all its tries.

    :param dag_id: The Dag.
    :param run_id: Its run.
    :param task_id: The task, with the groups that it is in.
    :param map_index: Which of a mapped task's instances, from 0; -1 where the task is not mapped.
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1

    def stable_id(self, purpose: str, *, started_by: Sequence[str] = (), place: str | None = None) -> str:
        """
        Return a UUID (RFC 9562, version 5) that is the same on every try and after Clear, and differs per purpose.

        :param purpose: What it is for, such as ``idempotency_key``.
        :param started_by: The ids of the events that started the run. They stand for the run: an event that is emitted again
            starts another run, whose ids are the same.
        :param place: What stands for the map index: that of a mapped step follows the order of what it is mapped over. Where it
            is the id of one of these events, this one alone stands for the run: with which others it came does not matter.
        """
        if not started_by and place is None:
            # A unit separator can't occur in an id, so no two keys can be joined to the same text.
            parts = (self.dag_id, self.run_id, self.task_id, str(self.map_index), purpose)
            return str(uuid.uuid5(_NAMESPACE, "\x1f".join(parts)))
        # JSON, for an event's id and a place can be any text.
        run = [place] if place in started_by else sorted(set(started_by)) or self.run_id
        named = [self.dag_id, run, self.task_id, self.map_index if place is None else place, purpose]
        return str(uuid.uuid5(_NAMESPACE, json.dumps(named)))


@dataclass(frozen=True, slots=True)
class CompletionRecord:
    """
    That a step is done, and what came of it; or that something has happened outside, which a service has sent.

    :param id: The same for a task instance over its tries, and for all runs that one event starts: a consumer can tell a
        repetition by it.
    :param type: The event's name.
    :param source: ``airflow/<dag_id>``; of what came in, the sender's own.
    :param subject: What the event is about: ``<run_id>/<task_id>``, and ``/<map_index>`` where the task is mapped.
    :param occurred_at: When the step was done; aware.
    :param function: The cloud function's name; of what came in, the event source's.
    :param producer: Which task instance emitted it; None for what came in.
    :param result: The payload, a JSON value; None where it lies elsewhere.
    :param dataref: Where the payload lies that an event is too small for: see
        :mod:`~airflow_provider_cloudfn.events.claim_check`.
    :param sender_id: The sender's own id of what came in. Two senders may have the same one, so it is not the record's.
    :param extensions: Further attributes of a CloudEvent that came in.
    """

    id: str
    type: str
    source: str
    subject: str
    occurred_at: dt.datetime
    function: str
    producer: TaskInstanceKey | None
    #: Shown nowhere: not by ``repr``, and not in a traceback.
    result: JsonValue = field(repr=False)
    dataref: str | None = None
    sender_id: str | None = None
    extensions: Mapping[str, JsonValue] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls,
        producer: TaskInstanceKey,
        *,
        type: str,
        function: str,
        result: object,
        occurred_at: dt.datetime,
        started_by: Sequence[str] = (),
        place: str | None = None,
    ) -> CompletionRecord:
        """
        Make the record of a task instance.

        :param producer: The task instance that is done.
        :param type: The event's name.
        :param function: The cloud function's name.
        :param result: The payload; must be what JSON can hold.
        :param occurred_at: When it was done; aware.
        :param started_by: As of :meth:`TaskInstanceKey.stable_id`.
        :param place: As of :meth:`TaskInstanceKey.stable_id`.
        :raises ConfigurationError: for a result that JSON can't hold.
        """
        subject = f"{producer.run_id}/{producer.task_id}"
        return cls(
            id=producer.stable_id(f"completion_event:{type}", started_by=started_by, place=place),
            type=type,
            source=f"airflow/{producer.dag_id}",
            subject=subject if producer.map_index < 0 else f"{subject}/{producer.map_index}",
            occurred_at=occurred_at,
            function=function,
            producer=producer,
            result=to_json_value(result),
        )

    def to_dict(self) -> dict[str, JsonValue]:
        """Return the record as it stands in XCom and in the asset event's extra."""
        producer = self.producer
        came_in: dict[str, JsonValue] = {
            **({} if self.sender_id is None else {"sender_id": self.sender_id}),
            **({"extensions": dict(self.extensions)} if self.extensions else {}),
        }
        return {
            "metadata": {
                "specversion": "1.0",
                "id": self.id,
                "type": self.type,
                "source": self.source,
                "subject": self.subject,
                "occurredAt": timestamp_text(self.occurred_at),
                "function": self.function,
                "dag_id": None if producer is None else producer.dag_id,
                "run_id": None if producer is None else producer.run_id,
                "task_id": None if producer is None else producer.task_id,
                "map_index": -1 if producer is None else producer.map_index,
                **({} if self.dataref is None else {"dataref": self.dataref}),
                **came_in,
            },
            "result": self.result,
        }

    @classmethod
    def from_dict(cls, value: object) -> CompletionRecord:
        """
        Read a record as :meth:`to_dict` writes it. What is there besides is ignored, so that a later version can add to it.

        :param value: What stood in XCom or in an asset event's extra.
        :raises ConfigurationError: for anything else; the message names the key.
        """
        if not is_record(value):
            raise ConfigurationError("a completion record is a map with 'metadata' and 'result'")
        metadata = value["metadata"]

        def text(key: str) -> str:
            if not isinstance(found := metadata.get(key), str):
                raise ConfigurationError(f"completion record: metadata.{key} must be text, not {in_words(found)}")
            return found

        map_index = metadata.get("map_index", -1)
        if not isinstance(map_index, int) or isinstance(map_index, bool):
            raise ConfigurationError(
                f"completion record: metadata.map_index must be an integer, not {in_words(map_index)}"
            )
        came_in = all(metadata.get(key) is None for key in ("dag_id", "run_id", "task_id"))
        extensions = metadata.get("extensions")
        return cls(
            id=text("id"),
            type=text("type"),
            source=text("source"),
            subject=text("subject"),
            occurred_at=_time(text("occurredAt")),
            function=text("function"),
            producer=None if came_in else TaskInstanceKey(text("dag_id"), text("run_id"), text("task_id"), map_index),
            result=to_json_value(value["result"]),
            dataref=None if metadata.get("dataref") is None else text("dataref"),
            sender_id=None if metadata.get("sender_id") is None else text("sender_id"),
            extensions=dict(extensions) if isinstance(extensions, Mapping) else {},
        )


def is_record(value: object) -> TypeGuard[Mapping[str, Any]]:
    """
    Tell whether a value has the shape of a completion record, rather than being a payload itself.

    :param value: An asset event's extra.
    """
    if not isinstance(value, Mapping) or "result" not in value:
        return False
    metadata = value.get("metadata")
    return isinstance(metadata, Mapping) and isinstance(metadata.get("type"), str)


def _time(text: str) -> dt.datetime:
    try:
        parsed = dt.datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            "completion record: metadata.occurredAt must be a time in RFC 3339, such as '2026-01-31T12:00:00Z'"
        ) from None
    return parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=dt.UTC)
