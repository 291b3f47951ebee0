"""A CloudEvent as the headers and the body of a request (HTTP protocol binding 1.0.2): binary, structured or batched."""

from __future__ import annotations

import base64
import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Literal, TypeAlias

from airflow_provider_cloudfn.auth.redacted import Redacted
from airflow_provider_cloudfn.exceptions import ConfigurationError, in_words
from airflow_provider_cloudfn.hooks.cloudevent_headers import attribute_text, cloudevent_headers, header_value
from airflow_provider_cloudfn.json_encoding import encode_json, timestamp_text

__all__ = ["MODES", "HttpMessage", "Mode", "OutgoingEvent", "batch", "binary", "extensions_of", "structured", "time_of"]

Mode: TypeAlias = Literal["binary", "structured", "batched"]
MODES: Final = ("binary", "structured", "batched")

#: CloudEvents 1.0.2, section 3.1: what the name of an attribute can be.
_NAME: Final = re.compile(r"[a-z0-9]+")
#: What has a parameter of its own, or follows from the payload.
_OWN: Final = frozenset({"specversion", "id", "type", "source", "subject", "time", "datacontenttype", "data"})


class HttpMessage(Redacted, frozen=True):
    """What is sent: headers and the exact bytes of the body."""

    _hidden: ClassVar = frozenset({"headers", "body"})

    headers: tuple[tuple[str, str], ...]
    body: bytes


class OutgoingEvent(Redacted, frozen=True, kw_only=True):
    """
    An event that is sent.

    :param source: Who sends it.
    :param subject: What it is about, or None.
    :param time: When it happened, as RFC 3339 has it, or None.
    :param extensions: Further attributes: names of lower-case letters and digits.
    :param data: A JSON value, or bytes.
    """

    _hidden: ClassVar = frozenset({"data"})

    id: str
    type: str
    source: str
    subject: str | None = None
    time: str | None = None
    extensions: Mapping[str, str] = {}
    data: Any = None

    @property
    def attributes(self) -> dict[str, str | None]:
        """The attributes but the type of the data; None for one that it has not."""
        return {
            "specversion": "1.0",
            "id": _text("event_id", self.id),
            "type": _text("event_type", self.type),
            "source": _text("source", self.source),
            "subject": None if self.subject is None else _text("subject", self.subject),
            "time": self.time,
            **self.extensions,
        }


def binary(event: OutgoingEvent) -> HttpMessage:
    """Return an event whose attributes are headers and whose data is the body."""
    is_bytes = isinstance(event.data, bytes)
    content = "application/octet-stream" if is_bytes else "application/json"
    body = event.data if is_bytes else encode_json(event.data).encode()
    return HttpMessage((("content-type", content), *cloudevent_headers(event.attributes)), body)


def structured(event: OutgoingEvent) -> HttpMessage:
    """Return an event that is one JSON object."""
    # No header of CloudEvents' has the id here: who signs the message, and who looks for repetitions, finds it in this one.
    content = _object(event)
    headers = (("content-type", "application/cloudevents+json"), ("webhook-id", header_value(content["id"])))
    return HttpMessage(headers, encode_json(content).encode())


def batch(events: Sequence[OutgoingEvent]) -> HttpMessage:
    """Return events that are one list of JSON objects."""
    body = encode_json([_object(event) for event in events]).encode()
    return HttpMessage((("content-type", "application/cloudevents-batch+json"),), body)


def extensions_of(given: Any) -> dict[str, str]:
    """
    Return further attributes as CloudEvents has them.

    :param given: A map of names and values: text, integers, bools; None leaves one out.
    :raises ConfigurationError: for a name or a value that no attribute has.
    """
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"extensions: must be a map of names and values, not {in_words(given)}")
    found = {}
    for name, value in given.items():
        place = f"extensions[{name!r}]"
        if not isinstance(name, str) or not _NAME.fullmatch(name) or name in _OWN:
            raise ConfigurationError(
                f"{place}: a name has lower-case letters and digits only, and is none of CloudEvents' own attributes"
            )
        if value is not None:
            found[name] = _text(place, str(value).lower() if isinstance(value, bool) else value)
    return found


def time_of(value: Any) -> str | None:
    """
    Return a time as RFC 3339 has it.

    :param value: Such text, a datetime, or None.
    :raises ConfigurationError: for anything else.
    """
    if value is None or value == "":
        return None
    if isinstance(value, str):
        try:
            value = dt.datetime.fromisoformat(value)
        except ValueError:
            value = None
    try:
        # At the ends of the calendar there is none in UTC.
        moment = value.astimezone(dt.UTC) if isinstance(value, dt.datetime) and value.tzinfo is not None else None
    except OverflowError:
        moment = None
    if moment is None:
        raise ConfigurationError("time: must be a time as RFC 3339 has it, such as '2026-01-31T12:00:00Z'")
    return timestamp_text(moment)


def _object(event: OutgoingEvent) -> dict[str, Any]:
    found: dict[str, Any] = {name: value for name, value in event.attributes.items() if value is not None}
    if isinstance(event.data, bytes):
        return {**found, "data_base64": base64.b64encode(event.data).decode("ascii")}
    return {**found, "datacontenttype": "application/json", "data": event.data}


def _text(place: str, value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f"{place}: must be text, not {'empty' if value == '' else in_words(value)}")
    return attribute_text(place, value)
