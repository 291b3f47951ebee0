"""CloudEvents in three modes, made by the CloudEvents project's own library."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st
from kit.senders import NOW, SENDERS
from msgspec.structs import replace

from airflow_provider_cloudfn.webhooks.forms import MOST_EVENTS
from airflow_provider_cloudfn.webhooks.incoming import IncomingEvent, incoming_events
from airflow_provider_cloudfn.webhooks.received import ReceivedRequest
from airflow_provider_cloudfn.webhooks.refused import RefusedError
from airflow_provider_cloudfn.webhooks.source import EventSource, request_program

SENDER = SENDERS["emporix_oe"]
STRUCTURED = "application/cloudevents+json"
BATCHED = "application/cloudevents-batch+json"
TIME = datetime(2026, 1, 30, 8, 15, 30, 120000, tzinfo=UTC)
ATTRIBUTES: dict[str, Any] = {
    "specversion": "1.0",
    "id": "A234-1234-1234",
    "source": "/shop/orders",
    "type": "order.paid",
    "subject": "Bestellung 12 ü",
    "time": TIME,
    "datacontenttype": "application/json",
    "instanceid": "0190-77",
    "caseid": "4711",
}
DATA: dict[str, Any] = {"orderId": "EON1075", "total": 12.5}


def signed(headers: dict[str, str], body: bytes) -> ReceivedRequest:
    plain = {name.lower(): value for name, value in headers.items()}
    proof = SENDER.sign(body, "bmV3LXNlY3JldC1vZi10aGUtc2VuZGVy", NOW)
    return ReceivedRequest(method="POST", headers=(*plain.items(), *proof.items()), body=body)


def binary(event: CloudEvent) -> ReceivedRequest:
    message = to_binary_event(event)
    return signed(message.headers, message.body)


def structured(event: CloudEvent) -> ReceivedRequest:
    message = to_structured_event(event)
    return signed(message.headers, message.body)


def batched(*events: CloudEvent) -> ReceivedRequest:
    return signed(
        {"content-type": BATCHED}, b"[" + b",".join(to_structured_event(event).body for event in events) + b"]"
    )


def source(**settings: Any) -> EventSource:
    programs = {name: request_program(written) for name, written in settings.items()}
    return EventSource(name="engine", scheme=SENDER.scheme, **programs)


def event(**attributes: Any) -> CloudEvent:
    return CloudEvent({**ATTRIBUTES, **attributes}, DATA)


@pytest.mark.parametrize("send", [binary, structured, batched])
def test_an_event_comes_through_whole(send: Any) -> None:
    (received,) = incoming_events(source(), send(event()), NOW)

    assert (received.type, received.id, received.source) == ("order.paid", "A234-1234-1234", "/shop/orders")
    assert (received.subject, received.occurred_at) == ("Bestellung 12 ü", TIME)
    assert (received.data, received.attributes) == (DATA, {"instanceid": "0190-77", "caseid": "4711"})


NAMES = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp", "Cn", "Cf", "Co", "Zs"]), min_size=1, max_size=12
)


@pytest.mark.parametrize("send", [binary, structured, batched])
@given(event_id=NAMES, event_type=NAMES, data=st.dictionaries(NAMES, st.integers(0, 9) | NAMES, min_size=1, max_size=3))
def test_any_event_comes_through_whole(send: Any, event_id: str, event_type: str, data: dict[str, Any]) -> None:
    sent = CloudEvent({**ATTRIBUTES, "id": event_id, "type": event_type}, data)

    (received,) = incoming_events(source(), send(sent), NOW)

    assert (received.id, received.type, received.data) == (event_id, event_type, data)


def test_bytes_come_through_in_binary_and_in_structured_mode() -> None:
    sent = CloudEvent({**ATTRIBUTES, "datacontenttype": "application/octet-stream"}, b"\x00\xff")

    assert [incoming_events(source(), send(sent), NOW)[0].data for send in (binary, structured)] == ["AP8=", "AP8="]


def test_the_events_of_a_batch_are_told_apart() -> None:
    received = incoming_events(source(), batched(event(), event(id="2"), event(id="3", type="order.sent")), NOW)

    assert [(one.id, one.type) for one in received] == [
        ("A234-1234-1234", "order.paid"),
        ("2", "order.paid"),
        ("3", "order.sent"),
    ]
    assert len({one.digest for one in received}) == len({one.identity for one in received}) == 3


def test_an_empty_batch_has_no_events() -> None:
    assert incoming_events(source(), batched(), NOW) == []


def test_a_batch_is_bounded() -> None:
    with pytest.raises(RefusedError) as refused:
        incoming_events(source(), batched(*[event()] * (MOST_EVENTS + 1)), NOW)

    assert (refused.value.status, refused.value.reason) == (413, "too_many_events")


def test_expressions_see_each_event_of_a_batch_by_itself() -> None:
    picky = source(filter='request.body.type == "order.paid"', payload="request.body.data.orderId")

    received = incoming_events(picky, batched(event(), event(id="2", type="order.sent")), NOW)

    assert [(one.outcome, one.type) for one in received] == [("wanted", "order.paid"), ("filtered", "order.sent")]
    assert received[0].data == "EON1075"


def test_expressions_come_before_the_attributes() -> None:
    (received,) = incoming_events(source(type='"shop." + request.headers["ce-type"]', id='"x"'), binary(event()), NOW)

    assert (received.type, received.id) == ("shop.order.paid", "x")


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in ATTRIBUTES.items() if key not in (name, "time", "datacontenttype")}


def as_headers(attributes: dict[str, Any]) -> dict[str, str]:
    return {f"ce-{name}": str(value) for name, value in attributes.items()} | {"content-type": "application/json"}


PLAIN = without("")


@pytest.mark.parametrize(
    "attributes",
    [
        *(without(name) for name in ("id", "source", "type", "specversion")),
        *({**PLAIN, name: ""} for name in ("id", "source", "type", "subject")),
        {**PLAIN, "specversion": "0.3"},
        {**PLAIN, "time": "yesterday"},
        {**PLAIN, "time": "2026-01-30T08:15:30"},
        {**PLAIN, "data": "x"},
        {**PLAIN, "data-schema": "x"},
        {**PLAIN, "datacontenttype": "text/plain"},
        {**PLAIN, "id": "%FF"},
        *(
            {**PLAIN, "id": f"a{character}b"}
            for character in ("%00", "%0A", "%C2%85", "%ED%A0%80", "%EF%BF%BF", "\x85")
        ),
    ],
)
def test_what_is_no_event_in_headers_is_refused(attributes: dict[str, Any]) -> None:
    with pytest.raises(RefusedError) as refused:
        incoming_events(source(), signed(as_headers(attributes), b"{}"), NOW)

    assert (refused.value.status, refused.value.reason) == (400, "bad_event")


@pytest.mark.parametrize("written", ["application/json", "application/json; charset=utf-8"])
def test_a_content_type_that_stands_there_twice_is_one_where_both_say_the_same(written: str) -> None:
    (received,) = incoming_events(source(), signed(as_headers({**PLAIN, "datacontenttype": written}), b"{}"), NOW)

    assert (received.type, received.data) == (PLAIN["type"], {})
    assert "datacontenttype" not in received.attributes


def test_the_version_may_stand_as_the_documentation_of_emporix_prints_it() -> None:
    (received,) = incoming_events(source(), signed(as_headers({**PLAIN, "specversion": "v1.0"}), b"{}"), NOW)

    assert (received.type, received.id) == (PLAIN["type"], PLAIN["id"])


@pytest.mark.parametrize(
    "envelope",
    [
        [],
        "text",
        None,
        without("id"),
        {**PLAIN, "id": None},
        {**PLAIN, "id": 7},
        {**PLAIN, "type": ["a"]},
        {**PLAIN, "time": 12},
        {**PLAIN, "extension": {"a": 1}},
        {**PLAIN, "extension": 1.5},
        {**PLAIN, "extension": 2**31},
        {**PLAIN, **{f"extension{number}": "x" for number in range(51)}},
        {**PLAIN, "Upper": "x"},
        {**PLAIN, "x" * 1_001: "x"},
        {**PLAIN, "data": 1, "data_base64": "AA=="},
        {**PLAIN, "data_base64": "no base64"},
        {**PLAIN, "data_base64": 7},
    ],
)
def test_what_is_no_event_in_a_body_is_refused(envelope: Any) -> None:
    for content_type, body in ((STRUCTURED, envelope), (BATCHED, [envelope])):
        with pytest.raises(RefusedError) as refused:
            incoming_events(source(), signed({"content-type": content_type}, json.dumps(body).encode()), NOW)

        assert (refused.value.status, refused.value.reason) == (400, "bad_event")


@pytest.mark.parametrize("name", ["id", "type", "source", "subject", "dataschema", "extension"])
@pytest.mark.parametrize(
    "character", ["\0", "\n", "\x7f", "\x85", "\ud800", "\ufffe", "\ufdd0", "\U0001ffff"], ids=ascii
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_character_that_no_attribute_may_have_is_refused(name: str, character: str, encoding: str) -> None:
    envelope = {**PLAIN, "source": "/shop", name: f"a{character}b"}

    for content_type, body in ((STRUCTURED, envelope), (BATCHED, [PLAIN, envelope])):
        sent = signed({"content-type": content_type}, json.dumps(body).encode(encoding))
        with pytest.raises(RefusedError) as refused:
            incoming_events(source(), sent, NOW)

        assert (refused.value.status, refused.value.reason) == (400, "bad_event")


def test_characters_that_attributes_may_have_come_through() -> None:
    odd = {**PLAIN, "id": "\N{REPLACEMENT CHARACTER}\N{GRINNING FACE}", "data": "\\ud800 \0"}
    half = json.dumps({**PLAIN, "data": "a\ud800b"}).encode()

    (received,) = incoming_events(source(), signed({"content-type": STRUCTURED}, json.dumps(odd).encode()), NOW)
    (halved,) = incoming_events(source(), signed({"content-type": STRUCTURED}, half), NOW)

    assert received.id == odd["id"]
    assert halved.data == "a\N{REPLACEMENT CHARACTER}b"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Gr%C3%B6%C3%9Fe", "Größe"),
        ("Größe".encode().decode("latin-1"), "Größe"),
        ("Ö %E2%82%AC".encode().decode("latin-1"), "Ö €"),
        ("Größe", "Größe"),
    ],
    ids=["as the protocol says", "UTF-8", "both", "Latin-1"],
)
def test_an_attribute_in_a_header_is_read_as_it_is_meant(written: str, read: str) -> None:
    (received,) = incoming_events(source(), signed(as_headers({**PLAIN, "subject": written}), b"{}"), NOW)

    assert received.subject == read


def test_an_attribute_that_is_null_is_none() -> None:
    (received,) = incoming_events(
        source(),
        signed({"content-type": STRUCTURED}, json.dumps({**PLAIN, "subject": None, "data": None}).encode()),
        NOW,
    )

    assert (received.subject, received.data) == (None, None)


@pytest.mark.parametrize("name", ["ce-id", "ce-type", "ce-source", "ce-instanceid", "content-type"])
def test_a_header_that_stands_twice_is_refused(name: str) -> None:
    request = binary(event())
    smuggled = replace(request, headers=(*request.headers, (name, "another")))

    with pytest.raises(RefusedError) as refused:
        incoming_events(source(), smuggled, NOW)

    assert (refused.value.status, refused.value.reason) == (400, "header_twice")


@pytest.mark.parametrize(
    "content_type", ["application/cloudevents+avro", "application/cloudevents", "application/cloudevents-batch+xml"]
)
def test_another_format_of_cloudevents_is_refused(content_type: str) -> None:
    with pytest.raises(RefusedError) as refused:
        incoming_events(source(), signed({"content-type": content_type}, b"{}"), NOW)

    assert refused.value.status == 415


def test_nanoseconds_are_cut() -> None:
    (received,) = incoming_events(
        source(), signed(as_headers({**PLAIN, "time": "2024-04-29T13:48:13.992123456Z"}), b""), NOW
    )

    assert received.occurred_at == datetime(2024, 4, 29, 13, 48, 13, 992123, tzinfo=UTC)
    assert received.data is None
    assert isinstance(received, IncomingEvent)
