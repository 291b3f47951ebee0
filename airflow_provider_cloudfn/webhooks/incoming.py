"""From a request to its events: proved, read, and picked as the source says."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from msgspec import Struct

from airflow_provider_cloudfn.auth.redacted import Redacted
from airflow_provider_cloudfn.exceptions import CloudFunctionError, ExpressionError
from airflow_provider_cloudfn.json_encoding import JsonValue, to_json_value
from airflow_provider_cloudfn.webhooks.forms import LONGEST, Form, read_forms
from airflow_provider_cloudfn.webhooks.refused import Reason, RefusedError
from airflow_provider_cloudfn.webhooks.source import EventSource, request_program

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from airflow_provider_cloudfn.cel import Program
    from airflow_provider_cloudfn.webhooks.received import ReceivedRequest

__all__ = ["IncomingEvent", "Outcome", "incoming_events"]

#: ``wanted``: it becomes an event. ``filtered``: the source's filter leaves it out. ``ignored``: the source may not send
#: its type, and ``unknown`` is ``ignore``. All three are deliveries.
Outcome: TypeAlias = Literal["wanted", "filtered", "ignored"]


class IncomingEvent(Redacted, frozen=True, kw_only=True):
    """
    An event that a proved request brought.

    :param type: Its type, the name of the completion event that it becomes. Empty where the filter leaves it out and nothing
        says the type.
    :param id: The sender's id of it; None where he gave none.
    :param digest: The SHA-256 of what was signed, in hex, with its place in a batch: the same for a request that is sent again.
    :param source: What it comes from: the CloudEvent's ``source``, else the event source's name.
    :param subject: What it is about; None where nothing says it.
    :param occurred_at: When it happened: the CloudEvent's ``time``, else when it came; aware.
    :param data: What it carries, as XCom and an asset event hold it; None where it is not wanted.
    :param attributes: The CloudEvent's other attributes: ``dataschema``, and extensions such as ``instanceid``.
    :param signed_key: 64 characters for what was signed, but its time; the same for a whole batch, None where nothing is.
    :param has_signed_id: Whether an id is among it: the same bytes are the same event then, however they are read.
    :param outcome: Whether it is wanted.
    """

    _hidden: ClassVar = frozenset({"data", "attributes"})

    type: str
    id: str | None
    digest: str
    source: str
    subject: str | None
    occurred_at: dt.datetime
    data: JsonValue
    attributes: Mapping[str, str | int | bool]
    signed_key: str | None = None
    has_signed_id: bool = False
    outcome: Outcome = "wanted"

    @property
    def identity(self) -> str:
        """
        What tells it from every other event of the event source: 64 characters, for the one place that lets none in twice.

        It is made of the id, and of the CloudEvent's source, within which ids are unique (CloudEvents, section 3.1.1); without an
        id, of the type and the digest: one body can say that an order was made, and that it was paid.
        """
        parts = ("id", self.source, self.id) if self.id is not None else ("digest", self.type, self.digest)
        return _digest_of(*parts)


class _Signed(Struct, frozen=True):
    """The digest and the key of what was signed, as an event has them."""

    digest: str
    key: str | None


def incoming_events(source: EventSource, request: ReceivedRequest, now: dt.datetime) -> list[IncomingEvent]:
    """
    Return the events that a request brings, once it is proved; all of them, or none.

    The proof of ``jwt`` may wait for another service: call it in a thread.

    :param source: The event source that it was sent to.
    :param request: The request.
    :param now: The time; aware.
    :raises RefusedError: which says what to answer, and why.
    """
    if len(request.body) > source.max_body:
        raise RefusedError(413, "too_large")
    proved = source.scheme.verify(request, now)
    digest = hashlib.sha256(proved).hexdigest()
    key = None
    if source.scheme.signs_body:
        key = _digest_of(source.name, hashlib.sha256(source.scheme.lasting(request, proved)).hexdigest())
    # Where the scheme itself proves an id, headers that nobody has signed give no other one.
    forms = read_forms(request, binary=source.scheme.id_expression is None, json_field=source.scheme.json_field)
    return [
        _event(source, request, form, _Signed(digest if len(forms) == 1 else f"{digest}#{place}", key), now)
        for place, form in enumerate(forms)
    ]


def _event(
    source: EventSource, request: ReceivedRequest, form: Form, signed: _Signed, now: dt.datetime
) -> IncomingEvent:
    variables = {"request": request.as_variable(form.body, source.scheme.credential_headers)}
    outcome: Outcome = "wanted"
    if source.filter is not None:
        wanted = _evaluated(source.filter, variables, "filter_failed")
        if not isinstance(wanted, bool):
            raise RefusedError(422, "filter_failed")
        outcome = "wanted" if wanted else "filtered"
    try:
        event_type = _type(source, request, form, variables)
    except RefusedError:
        if outcome != "filtered":
            raise
        event_type = ""
    if outcome == "wanted" and not source.allows(event_type):
        if source.unknown != "ignore":
            raise RefusedError(403, "type_not_allowed")
        outcome = "ignored"
    wanted = outcome == "wanted"
    event_id = _id(source, request, form, variables) if wanted else form.id
    # What nobody wants is not looked at.
    data = (
        None if not wanted else _evaluated(source.payload, variables, "payload_failed") if source.payload else form.data
    )
    return IncomingEvent(
        type=event_type,
        id=event_id,
        digest=signed.digest,
        signed_key=signed.key,
        has_signed_id=_has_signed_id(source, form, event_id),
        source=form.source or source.name,
        subject=form.subject,
        occurred_at=form.time or now,
        data=_json_value(data),
        attributes=form.attributes,
        outcome=outcome,
    )


def _type(source: EventSource, request: ReceivedRequest, form: Form, variables: Mapping[str, Any]) -> str:
    named = source.type
    if named is None:
        if found := form.type or request.path.strip("/"):
            return _name(found, "bad_event", request)
        if source.scheme.type_expression is None:
            raise RefusedError(422, "no_type")
        named = request_program(source.scheme.type_expression)
    found = _evaluated(named, variables, "type_failed")
    if found is None or found == "":
        raise RefusedError(422, "no_type")
    return _name(found, "type_failed", request)


def _id(source: EventSource, request: ReceivedRequest, form: Form, variables: Mapping[str, Any]) -> str | None:
    named = source.id
    if named is None:
        if form.id is not None or source.scheme.id_expression is None:
            return form.id
        named = request_program(source.scheme.id_expression)
    found = _evaluated(named, variables, "id_failed")
    if found is None:
        return None
    # An integer is an id, too: 42 and "42" are one.
    return _name(str(found) if type(found) is int else found, "id_failed", request)


def _has_signed_id(source: EventSource, form: Form, event_id: str | None) -> bool:
    if source.id is not None:
        return event_id is not None and source.scheme.signs_all_of(source.id)
    if source.scheme.signs_body and form.has_id_in_body:
        return True
    named = source.scheme.id_expression
    return event_id is not None and named is not None and source.scheme.signs_all_of(request_program(named))


def _digest_of(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _name(found: object, reason: Reason, request: ReceivedRequest) -> str:
    if not isinstance(found, str) or not found.strip() or not found.isprintable() or len(found) > LONGEST:
        raise RefusedError(422, reason)
    if "\N{REPLACEMENT CHARACTER}" in found and request.has_half_characters:  # Two names may have become one.
        raise RefusedError(422, reason)
    return found


def _evaluated(program: Program, variables: Mapping[str, Any], reason: Reason) -> Any:
    try:
        return program.evaluate(variables)
    except ExpressionError as error:
        raise RefusedError(422, reason) from error


def _json_value(data: object) -> JsonValue:
    try:
        # The record nests it by one more, and a number that is put aside by another one: that must be JSON too.
        value: JsonValue = to_json_value([[data]])[0][0]
    except CloudFunctionError:
        # Nested too deep, too many elements, or nothing that JSON has.
        raise RefusedError(422, "bad_event") from None
    return value
