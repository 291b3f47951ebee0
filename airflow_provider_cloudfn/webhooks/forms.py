"""The forms that events come in: CloudEvents (HTTP protocol binding 1.0.2) in three modes, and plain bodies."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from typing import TYPE_CHECKING, Any, ClassVar, Final
from urllib.parse import unquote, unquote_to_bytes

from msgspec import field

from airflow_provider_cloudfn.auth.attribute_text import is_attribute_text
from airflow_provider_cloudfn.auth.media_type import FORM_TYPE, media_type_of
from airflow_provider_cloudfn.auth.redacted import Redacted
from airflow_provider_cloudfn.client.content import read_content
from airflow_provider_cloudfn.webhooks.refused import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_cloudfn.webhooks.received import ReceivedRequest

__all__ = ["LONGEST", "MOST_EVENTS", "Form", "read_forms"]

#: Characters of a name in a table and an asset, and of every attribute of an event.
LONGEST: Final = 1_000

#: How many other attributes an event may have: they stand in the asset event, beside what it carries.
_MOST_ATTRIBUTES: Final = 50
#: An integer of CloudEvents has 32 bits (section 3.2).
_INTEGERS: Final = range(-(2**31), 2**31)

#: How many events one request may bring.
MOST_EVENTS: Final = 100

_STRUCTURED: Final = "application/cloudevents+json"
_BATCHED: Final = "application/cloudevents-batch+json"
_PREFIX: Final = "ce-"
_REQUIRED: Final = ("specversion", "id", "source", "type")
#: What has a place of its own, or none: the rest are the event's other attributes.
_READ: Final = frozenset({*_REQUIRED, "subject", "time", "datacontenttype"})


class Form(Redacted, frozen=True, kw_only=True):
    """
    What a body says of one event, before the source's expressions.

    :param body: What expressions read as ``request.body``: of a batch the one event at hand.
    :param data: What the event carries.
    :param type: The CloudEvent's type, None where it is no CloudEvent. So are all that follow.
    :param id: Its id.
    :param source: Its source.
    :param subject: Its subject.
    :param time: Its time; aware.
    :param attributes: Its other attributes.
    :param has_id_in_body: Whether the body has the id of a CloudEvent, be it read as one or not.
    """

    _hidden: ClassVar = frozenset({"body", "data", "attributes"})

    body: Any
    data: Any
    type: str | None = None
    id: str | None = None
    source: str | None = None
    subject: str | None = None
    time: dt.datetime | None = None
    attributes: Mapping[str, str | int | bool] = field(default_factory=dict)
    has_id_in_body: bool = False


def read_forms(request: ReceivedRequest, *, binary: bool = True, json_field: str | None = None) -> list[Form]:
    """
    Return what a request says of its events.

    :param request: The request, proved.
    :param binary: Whether it may be a CloudEvent by its headers.
    :param json_field: The one field of a form in which the body is, as JSON.
    :raises RefusedError: with 400 for what is no valid CloudEvent, or not what it says it is; with 413 for a batch of more than
        :data:`MOST_EVENTS`; with 415 for a media type that is not read here.
    """
    media_type = media_type_of(request.content_type)
    if media_type == _BATCHED:
        batch = request.read_body()
        if not isinstance(batch, list):
            raise RefusedError(400, "bad_event")
        if len(batch) > MOST_EVENTS:
            raise RefusedError(413, "too_many_events")
        return [_structured(envelope, request) for envelope in batch]
    if media_type == _STRUCTURED:
        return [_structured(request.read_body(), request)]
    if media_type.startswith("application/cloudevents"):
        raise RefusedError(415, "unsupported_media_type")
    if binary and any(name.startswith(_PREFIX) for name, _ in request.headers):
        return [_binary(request)]
    body = request.read_body()
    if media_type == FORM_TYPE and isinstance(body, dict) and body.keys() == {json_field}:
        body = _json_in(body[json_field])
    if isinstance(body, bytes):
        raise RefusedError(415, "unsupported_media_type")
    return [Form(body=body, data=body, has_id_in_body=_has_id(body))]


def _json_in(written: object) -> Any:
    """Return what a field of a form holds, which is JSON."""
    try:
        return read_content(written.encode(), "application/json") if isinstance(written, str) else written
    except ValueError:
        raise RefusedError(400, "bad_body") from None


def _binary(request: ReceivedRequest) -> Form:
    attributes: dict[str, Any] = {}
    for name, value in request.headers:
        if not name.startswith(_PREFIX):
            continue
        if (attribute := name.removeprefix(_PREFIX)) in attributes:
            raise RefusedError(400, "header_twice")
        attributes[attribute] = _header_text(value)
    # It is the header Content-Type. Some senders write it twice (section 3.1.1 says not to): then both say the same.
    if media_type_of(attributes.pop("datacontenttype", request.content_type)) != media_type_of(request.content_type):
        raise RefusedError(400, "bad_event")
    if attributes.get("specversion") == "v1.0":  # So the documentation of Emporix' engine prints it.
        attributes["specversion"] = "1.0"
    body = request.read_body()
    return _cloudevent(attributes, body, body)


def _header_text(value: str) -> str:
    """Return the text of an attribute that is a header (section 3.1.3.2), be it UTF-8 that nobody has encoded."""
    try:
        return unquote_to_bytes(value.encode("latin-1")).decode()
    except UnicodeDecodeError:
        pass
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError:
        raise RefusedError(400, "bad_event") from None


def _structured(envelope: object, request: ReceivedRequest) -> Form:
    if not isinstance(envelope, dict) or {"data", "data_base64"} <= envelope.keys():
        raise RefusedError(400, "bad_event")
    # A null attribute is one that is not there (JSON format 1.0.2, section 2.2).
    attributes = {name: value for name, value in envelope.items() if name == "data" or value is not None}
    data = attributes.pop("data", None)
    if (encoded := attributes.pop("data_base64", None)) is not None:
        try:
            data = base64.b64decode(encoded, validate=True)
        except (TypeError, ValueError, binascii.Error):
            raise RefusedError(400, "bad_event") from None
    texts = [value for value in attributes.values() if isinstance(value, str)]
    if any("\N{REPLACEMENT CHARACTER}" in text for text in texts) and request.has_half_characters:
        raise RefusedError(400, "bad_event")
    return _cloudevent(attributes, data, envelope)


def _cloudevent(attributes: dict[str, Any], data: Any, body: Any) -> Form:
    from cloudevents.core.exceptions import CloudEventValidationError
    from cloudevents.core.v1.event import CloudEvent

    # The library makes an id and a time where there are none, and every event would be a new one.
    if any(name not in attributes for name in _REQUIRED):
        raise RefusedError(400, "bad_event")
    try:
        time = dt.datetime.fromisoformat(attributes.pop("time")) if "time" in attributes else None
        # The library takes a time that is missing for now.
        event = CloudEvent({**attributes, "time": time or dt.datetime.now(dt.UTC)})
        # At the ends of the calendar there is none in UTC.
        time = time and time.astimezone(dt.UTC)
    except (TypeError, ValueError, OverflowError, CloudEventValidationError):
        raise RefusedError(400, "bad_event") from None
    texts = [value for value in attributes.values() if isinstance(value, str)]
    if not all(len(text) <= LONGEST and is_attribute_text(text) for text in (*texts, *attributes)):
        raise RefusedError(400, "bad_event")
    extensions = {name: value for name, value in attributes.items() if name not in _READ}
    if len(extensions) > _MOST_ATTRIBUTES:
        raise RefusedError(400, "bad_event")
    if not all(
        isinstance(value, str) or (isinstance(value, int) and value in _INTEGERS) for value in extensions.values()
    ):
        raise RefusedError(400, "bad_event")
    return Form(
        body=body,
        data=data,
        type=event.get_type(),
        id=event.get_id(),
        source=event.get_source(),
        subject=event.get_subject(),
        time=time,
        attributes=extensions,
        has_id_in_body=_has_id(body),
    )


def _has_id(body: object) -> bool:
    """Tell whether a body, or each part of it, could be sent as a structured CloudEvent: no signature holds its media type."""
    if isinstance(body, list):
        return bool(body) and all(isinstance(part, dict) and _has_id(part) for part in body)
    return isinstance(body, dict) and all(name in body for name in _REQUIRED)
