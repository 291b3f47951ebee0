"""Completion events for the world outside: a record, or any payload, is sent to a receiver as a CloudEvent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final

from airflow.sdk import Asset
from msgspec.structs import replace

from airflow_provider_cloudfn.authoring.parameter import Parameter, Reading
from airflow_provider_cloudfn.authoring.shapes import text_or_null
from airflow_provider_cloudfn.events.cloudevent import extension_attributes
from airflow_provider_cloudfn.events.record import is_record
from airflow_provider_cloudfn.exceptions import ConfigurationError, choice_problem, in_words
from airflow_provider_cloudfn.operators.cloudevent_message import (
    MODES,
    Mode,
    OutgoingEvent,
    batch,
    binary,
    extensions_of,
    structured,
    time_of,
)
from airflow_provider_cloudfn.operators.cloudfn import CloudFunctionOperator
from airflow_provider_cloudfn.operators.idempotency import place_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_cloudfn.operators.function_call import Fields

__all__ = ["EventPublishOperator"]

_THE_EVENT_IS_THE_BODY: Final = {
    "body": "the event is the body: give what it carries as payload=",
    "files": "an event carries a JSON value: give it as payload=",
    "pages": "an event is sent once, and its answer has no pages",
    "poll": "an event is accepted or not: what becomes of it comes as an event of the receiver",
}


#: What has a body that means something (RFC 9110, section 9.3).
_METHODS: Final = ("POST", "PUT", "PATCH")


def _method_problem(value: Any) -> str | None:
    return (
        None if value in _METHODS else f"{value!r} carries no event to a receiver: write one of {', '.join(_METHODS)}"
    )


def _event_problem(value: Any) -> str | None:
    if isinstance(value, (Asset, bool, int, float)):
        return (
            f"must be CEL that gives a completion record, such as 'events[0]', not {type(value).__name__}; to send anything "
            "else, write event_type= and payload="
        )
    return None


class EventPublishOperator(CloudFunctionOperator):
    """
    Send a completion record, or any payload, to a receiver as a CloudEvent over HTTP.

    It is a cloud function whose body is the event: connection, retries, ``for_each``, ``success_when``, ``on_unknown`` and all
    else are those of :class:`CloudFunctionOperator`. In ``uri``, ``event`` and ``payload`` a ``str`` is a CEL expression; in the
    other parameters of the event it is text, and ``cel("…")`` marks an expression. The id of the event is that of its record, or
    the task instance's idempotency key: the same on every try, and each item's own under ``for_each``. A connection with
    ``auth_type`` ``standard_webhooks`` signs it.

    :param cloudfn_conn_id: The receiver's connection, of type ``cloudfn``. (templated)
    :param uri: CEL: the path below the connection's base URL.
    :param event: What is sent: CEL that gives a completion record, such as ``events[0]``, or ``item`` under ``for_each``; with
        the mode ``batched`` a list of them. (templated)
    :param event_type: The event's type, where no record is sent. (templated)
    :param payload: What it carries, as `body` of a cloud function. (templated)
    :param source: Who sends; default the record's, or ``airflow/<dag_id>``. (templated)
    :param subject: What the event is about. (templated)
    :param time: When it happened, as RFC 3339 has it, or an expression that gives a timestamp. (templated)
    :param event_id: The event's id, where the default is not wanted. (templated)
    :param extensions: Further attributes by name: lower-case letters and digits. (templated)
    :param mode: ``binary``: attributes are headers, the payload is the body. ``structured``: one JSON object. ``batched``: a
        list of them in one request.
    :raises ConfigurationError: for what can be no CloudEvent; nothing was sent then.
    """

    template_fields: Sequence[str] = (
        *CloudFunctionOperator.template_fields,
        "event",
        "event_type",
        "payload",
        "source",
        "subject",
        "time",
        "event_id",
        "extensions",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        **CloudFunctionOperator.template_fields_renderers,
        "event": "json",
        "payload": "json",
        "extensions": "json",
    }
    authored_parameters: ClassVar[tuple[Parameter, ...]] = (
        *(one for one in CloudFunctionOperator.authored_parameters if one.name != "method"),
        Parameter("method", check=_method_problem),
        Parameter("event", Reading.VALUE, check=_event_problem, per_item=True, or_else="event_type"),
        Parameter("event_type", Reading.MARKED, jinja=True, shape=text_or_null, per_item=True, instead_of="event"),
        Parameter("payload", Reading.DOCUMENT, per_item=True, instead_of="event"),
        Parameter("source", Reading.MARKED, jinja=True, shape=text_or_null, per_item=True),
        Parameter("subject", Reading.MARKED, jinja=True, shape=text_or_null, per_item=True),
        Parameter("time", Reading.MARKED, jinja=True, per_item=True),
        Parameter("event_id", Reading.MARKED, jinja=True, shape=text_or_null, per_item=True),
        Parameter("extensions", Reading.MARKED, jinja=True, per_item=True),
        Parameter("mode", check=partial(choice_problem, choices=MODES), excludes=_THE_EVENT_IS_THE_BODY),
    )
    ui_color = "#e7ecd8"

    def __init__(
        self,
        *,
        uri: Any,
        event: Any = None,
        event_type: Any = None,
        payload: Any = None,
        source: Any = None,
        subject: Any = None,
        time: Any = None,
        event_id: Any = None,
        extensions: Any = None,
        mode: Mode = "binary",
        **kwargs: Any,
    ) -> None:
        super().__init__(uri=uri, **{"method": "POST", **kwargs})
        self.event = event
        self.event_type = event_type
        self.payload = payload
        self.source = source
        self.subject = subject
        self.time = time
        self.event_id = event_id
        self.extensions = extensions
        self.mode = mode

    def fields(self, value: Callable[[str], Any], key: Callable[[str | None], str]) -> Fields:
        """
        Return what the request is made of: the event among it.

        :param value: Returns a parameter, rendered.
        :raises ConfigurationError: for what can be no CloudEvent.
        """
        fields = super().fields(value, key)
        event = value("event")
        if self.mode == "batched":
            listed = isinstance(event, Sequence) and not isinstance(event, (str, bytes))
            message = batch([self._event(one, value, key, at) for at, one in enumerate(event if listed else [event])])
        else:
            message = (binary if self.mode == "binary" else structured)(self._event(event, value, key))
        taken = {name.lower() for name, _ in message.headers}
        for name in fields.headers or {}:
            if name.lower() in taken or name.lower().startswith("ce-"):
                raise ConfigurationError(f'headers["{name}"]: the event sets this header: leave it out')
        return replace(fields, headers={**(fields.headers or {}), **dict(message.headers)}, body=message.body)

    def _event(
        self, record: Any, value: Callable[[str], Any], key: Callable[[str | None], str], at: int = 0
    ) -> OutgoingEvent:
        metadata, data = self._content(record, value)
        written, own = value("event_id"), metadata.get("id")
        place = place_of(value("idempotency_key")) if self.key_is_evaluated else None
        event_id = written or own or key(place)
        if at and (written or not own):
            # Events of one source with one id are one event to a receiver (CloudEvents, section 3.1.1).
            event_id = f"{event_id}/{at}"
        return OutgoingEvent(
            id=event_id,
            type=metadata["type"],
            source=value("source") or metadata.get("source") or f"airflow/{self.dag_id}",
            subject=value("subject") or metadata.get("subject") or None,
            time=time_of(value("time") or metadata.get("occurredAt")),
            extensions=extensions_of({**extension_attributes(metadata), **(value("extensions") or {})}),
            data=data,
        )

    def _content(self, record: Any, value: Callable[[str], Any]) -> tuple[Mapping[str, Any], Any]:
        if record is None and (kind := value("event_type")) is not None:
            return {"type": kind}, value("payload")
        if is_record(record):
            return record["metadata"], record["result"]
        found = in_words(record)
        raise ConfigurationError(
            f"event: must be a completion record, such as events[0], not {found}; to send anything else, write event_type= and "
            "payload="
        )
