"""Events for the Emporix Orchestration Engine: CloudEvents that start an instance, resume one, or complete a step of one."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NotRequired, Required, TypedDict, Unpack

from msgspec import Struct

from airflow_provider_cloudfn.exceptions import (
    ConfigurationError,
    ResponseError,
    choice_problem,
    in_words,
    nearest_or_all,
)
from airflow_provider_cloudfn.hooks.cloudevent_headers import attribute_text, cloudevent_headers
from airflow_provider_cloudfn.json_encoding import encode_json, timestamp_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_cloudfn.client.request import Request
    from airflow_provider_cloudfn.client.response import Response

__all__ = [
    "IMPACTS",
    "AcceptedEvent",
    "CompletionParts",
    "Event",
    "EventParts",
    "accepted_event",
    "completion_event",
    "impact_problem",
    "json_string_problem",
    "resume_event",
    "start_event",
    "timestamp_problem",
    "unreadable_acceptance",
]

#: What the completion of a step may say of its impact; the engine's own form has these three.
IMPACTS: Final = ("P", "N", "D")
_INSTANCE: Final = "write the id of the running instance, which the process has in its context as 'instanceid'"


# A dataclass: a task that returns one has sent an event, and Airflow can keep this as the task's XCom.
@dataclass(frozen=True, slots=True)
class AcceptedEvent:
    """
    An event that the engine accepted, which is not to say that it did anything about it.

    :param id: The event's id, ``ce-id``; of one that starts an instance, the context keeps it as ``metadata.externalID``.
    :param type: The event's type.
    :param source: Who sent it.
    :param request_id: What to look for in the engine's event log.
    :param status: The HTTP status of the answer.
    """

    id: str
    type: str
    source: str
    request_id: str | None
    status: int


class EventParts(TypedDict, total=False):
    """
    What an event can have besides its type.

    :param case_id: The case of an overarching process, for process mining.
    :param subject: What a person reads of the event.
    :param payload: A JSON value; nothing given sends ``{}``.
    :param json_string: JSON text that is sent byte for byte, instead of `payload`: with it, that is an error.
    :param source: Who sends; default ``airflow``.
    :param event_id: What makes the event one and the same over all tries; default a new UUID.
    """

    case_id: str | None
    subject: str | None
    payload: Any
    json_string: str | None
    source: str | None
    event_id: str | None


class CompletionParts(EventParts, total=False):
    """
    What the completion event of a process step can have besides its type.

    :param instance_id: The running instance whose step it is.
    :param execution_id: The execution of the step that is done.
    :param scenario_id: The scenario that the step is.
    :param impact: ``P``, ``N`` or ``D``.
    :param timestamp: When it happened: a datetime, or text as RFC 3339 has it.
    """

    instance_id: Required[str]
    execution_id: Required[str]
    scenario_id: Required[str]
    impact: NotRequired[str | None]
    timestamp: NotRequired[dt.datetime | str | None]


#: What the completion of a step has besides what each event has.
_OF_A_COMPLETION: Final = frozenset({"instance_id", "execution_id", "scenario_id", "impact", "timestamp"})


class Event(Struct, frozen=True):
    """
    An event, ready to be signed and sent.

    :param id: ``ce-id``.
    :param type: ``ce-type``.
    :param source: ``ce-source``.
    :param headers: All headers but the signature.
    :param body: The exact bytes that are sent.
    :param names_instance: Whether it is for a running instance.
    """

    id: str
    type: str
    source: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    names_instance: bool

    def request(self, path: str) -> Request:
        """Return the request that sends it."""
        from airflow_provider_cloudfn.client.body import Raw
        from airflow_provider_cloudfn.client.request import Request

        return Request("POST", path, headers=dict(self.headers), body=Raw(self.body))


def start_event(event_type: str, **parts: Unpack[EventParts]) -> Event:
    """
    Return an event that starts an instance: it never names one.

    :param event_type: The key of an event in the engine's event registry.
    :param parts: What else it has.
    :raises ConfigurationError: for what can be no event.
    """
    return _event(event_type, {}, parts)


def resume_event(event_type: str, instance_id: str, **parts: Unpack[EventParts]) -> Event:
    """
    Return an event for one running instance.

    :param event_type: The key of an event in the engine's event registry, which the instance waits for.
    :param instance_id: The instance.
    :param parts: What else it has.
    :raises ConfigurationError: for what can be no event.
    """
    return _event(event_type, {"instanceid": _required("instance_id", instance_id, _INSTANCE)}, parts)


def completion_event(
    event_type: str,
    *,
    instance_id: str | None = None,
    execution_id: str | None = None,
    scenario_id: str | None = None,
    impact: str | None = None,
    timestamp: dt.datetime | str | None = None,
    **parts: Unpack[EventParts],
) -> Event:
    """
    Return the event that says that a step of a process is done.

    :param event_type: The key of the step's completion event.
    :param instance_id: As of :class:`CompletionParts`.
    :param execution_id: As there.
    :param scenario_id: As there.
    :param impact: As there.
    :param timestamp: As there.
    :param parts: What else it has.
    :raises ConfigurationError: for what can be no event.
    """
    moment = timestamp_text(timestamp) if isinstance(timestamp, dt.datetime) else _text("timestamp", timestamp)
    impact = _text("impact", impact)
    for name, problem in (
        ("impact", None if impact is None else impact_problem(impact)),
        ("timestamp", None if moment is None else timestamp_problem(moment)),
    ):
        if problem is not None:
            raise ConfigurationError(f"{name}: {problem}")
    attributes = {
        "instanceid": _required("instance_id", instance_id, _INSTANCE),
        "executionid": _required("execution_id", execution_id, "write the id of the execution that is done"),
        "scenarioid": _required("scenario_id", scenario_id, "write the id of the scenario that the step is"),
        "npsprojection": impact,
        "time": moment,
    }
    return _event(event_type, attributes, parts, beside=_OF_A_COMPLETION)


def impact_problem(text: str) -> str | None:
    """
    Say what is wrong with the impact of a step.

    :param text: What was given.
    """
    return choice_problem(text, IMPACTS)


def timestamp_problem(text: str) -> str | None:
    """
    Say what is wrong with a time that is text; the rule is that of CEL's ``timestamp()``.

    :param text: What was given.
    """
    from airflow_provider_cloudfn.cel.faults import Fault
    from airflow_provider_cloudfn.cel.functions.timestamps import timestamp_of_text

    try:
        timestamp_of_text(text)
    except Fault:
        return f"must be a time as RFC 3339 has it, such as '2026-01-31T12:00:00Z', not {text!r}"
    return None


def _event(
    event_type: str, extensions: Mapping[str, str | None], parts: EventParts, *, beside: frozenset[str] = frozenset()
) -> Event:
    known = EventParts.__optional_keys__ | beside
    for name in parts:
        if name not in known:
            there_are = nearest_or_all(name, known, "{}=")
            elsewhere = " (instance_id= is of resume and complete)" if name == "instance_id" else ""
            raise ConfigurationError(f"{name}: there is no such part of this event{elsewhere}; {there_are}")
    kind = _required("event_type", event_type, "write the key of an event in the event registry, such as 'order.paid'")
    event_id = _text("event_id", parts.get("event_id")) or str(uuid.uuid4())
    source = _text("source", parts.get("source")) or "airflow"
    attributes = {
        "specversion": "1.0",
        "id": event_id,
        "type": kind,
        "source": source,
        "subject": _text("subject", parts.get("subject")),
        "caseid": _text("case_id", parts.get("case_id")),
        **extensions,
    }
    headers = (("content-type", "application/json"), *cloudevent_headers(attributes))
    body = _body(parts.get("payload"), parts.get("json_string"))
    return Event(event_id, kind, source, headers, body, "instanceid" in extensions)


def _required(name: str, value: Any, remedy: str) -> str:
    text = _text(name, value)
    if text is None:
        raise ConfigurationError(f"{name}: is missing; {remedy}")
    return text


def _text(name: str, value: Any) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ConfigurationError(f"{name}: must be text, not {in_words(value)}")
    return attribute_text(name, value)


def json_string_problem(text: str) -> str | None:
    """Say what is wrong with JSON text."""
    try:
        json.loads(text, parse_constant=_refuse_constant)
        text.encode()
    except ConfigurationError as error:
        return error.message
    except json.JSONDecodeError as error:
        return f"is no JSON (line {error.lineno}, column {error.colno}: {error.msg})"
    except (ValueError, RecursionError):
        return "is no JSON that can be sent"
    return None


def _refuse_constant(name: str) -> None:
    raise ConfigurationError(f"holds {name}, which JSON does not have")


def _body(payload: Any, json_string: str | None) -> bytes:
    if json_string is None:
        if isinstance(payload, str):
            raise ConfigurationError(
                "payload: is text. If it is JSON, pass it as json_string; if it is a CEL expression, mark it with cel(…); if the "
                "payload is this very text, put it in an object, such as {'text': …}"
            )
        return encode_json({} if payload is None else payload).encode()
    if payload is not None:
        raise ConfigurationError("payload and json_string: give one of them, they are two ways to say the same")
    if not isinstance(json_string, str):
        raise ConfigurationError(f"json_string: must be text, not {in_words(json_string)}; pass a value as payload")
    if (problem := json_string_problem(json_string)) is not None:
        raise ConfigurationError(f"json_string: {problem}")
    return json_string.encode()


def accepted_event(event: Event, response: Response) -> AcceptedEvent:
    """
    Return what was accepted.

    :param event: What was sent.
    :param response: The answer, a success.
    """
    answered = response.body.get("request_id") if isinstance(response.body, dict) else None
    request_id = answered if isinstance(answered, str) else response.request_id
    return AcceptedEvent(event.id, event.type, event.source, request_id, response.status)


def unreadable_acceptance(event: Event, error: ResponseError) -> AcceptedEvent:
    """
    Return what was accepted where only the body of a success could not be read; all else is raised again.

    :param event: What was sent.
    :param error: How it failed.
    """
    if error.status is None or not 200 <= error.status < 300:
        raise error
    return AcceptedEvent(event.id, event.type, event.source, error.request_id, error.status)
