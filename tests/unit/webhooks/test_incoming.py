from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from kit.senders import JSON, NOW, OLD, SECRET, SENDERS
from msgspec.structs import replace

from airflow_provider_cloudfn.exceptions import ExpressionError
from airflow_provider_cloudfn.webhooks.incoming import IncomingEvent, incoming_events
from airflow_provider_cloudfn.webhooks.refused import RefusedError
from airflow_provider_cloudfn.webhooks.source import EventSource, request_program

if TYPE_CHECKING:
    from airflow_provider_cloudfn.webhooks.received import ReceivedRequest


def source(scheme: str = "bearer", **settings: Any) -> EventSource:
    programs = {
        name: request_program(settings.pop(name)) for name in ("type", "id", "filter", "payload") if name in settings
    }
    return EventSource(name="shop", scheme=SENDERS[scheme].scheme, **programs, **settings)


def one(source: EventSource, request: ReceivedRequest) -> IncomingEvent:
    (event,) = incoming_events(source, request, NOW)
    return event


def refusal(source: EventSource, request: ReceivedRequest) -> tuple[int, str]:
    with pytest.raises(RefusedError) as refused:
        incoming_events(source, request, NOW)
    return refused.value.status, refused.value.reason


BEARER = SENDERS["bearer"]
ORDER = b'{"id": 7, "kind": "order.paid", "order": {"no": "A-1"}, "test": false}'


def test_the_path_names_the_type_and_the_body_is_the_data() -> None:
    event = one(source(), BEARER.request(ORDER, path="/order.paid"))

    assert (event.type, event.id, event.source, event.subject) == ("order.paid", None, "shop", None)
    assert (event.data, event.occurred_at, event.outcome) == (
        {"id": 7, "kind": "order.paid", "order": {"no": "A-1"}, "test": False},
        NOW,
        "wanted",
    )


def test_expressions_say_type_id_and_payload() -> None:
    event = one(
        source(type="request.body.kind", id="request.body.id", payload='{"no": request.body.order.no}'),
        BEARER.request(ORDER, path="/ignored"),
    )

    assert (event.type, event.id, event.data) == ("order.paid", "7", {"no": "A-1"})


@pytest.mark.parametrize(
    ("scheme", "body", "event_type", "event_id"),
    [
        ("github", b"{}", "push", "72d3162e-cc78-11e3-81ab-4c9367dc0958"),
        ("stripe", b'{"id":"evt_1","type":"charge.succeeded"}', "charge.succeeded", "evt_1"),
        ("slack", b'{"type":"event_callback","event_id":"Ev1","event":{"type":"message"}}', "message", "Ev1"),
        ("slack", b'{"type":"app_rate_limited"}', "app_rate_limited", None),
        ("standard_webhooks", b'{"type":"invoice.paid","data":{}}', "invoice.paid", "msg_1"),
        ("svix", b'{"type":"invoice.paid","data":{}}', "invoice.paid", "msg_1"),
        ("emporix_commerce", b'{"type":"product.updated"}', "product.updated", None),
    ],
)
def test_what_a_service_says_of_itself(scheme: str, body: bytes, event_type: str, event_id: str | None) -> None:
    event = one(source(scheme), SENDERS[scheme].request(body))

    assert (event.type, event.id) == (event_type, event_id)


def test_a_service_s_id_that_is_missing_is_refused() -> None:
    """Else who repeats a delivery would only have to leave it away."""
    request = SENDERS["github"].request()
    headers = tuple(pair for pair in request.headers if pair[0] != "x-github-delivery")

    assert refusal(source("github"), replace(request, headers=headers)) == (422, "id_failed")


@pytest.mark.parametrize(
    ("settings", "body", "reason"),
    [
        ({}, b"{}", "no_type"),
        ({"type": "request.body.kind"}, b"{}", "type_failed"),
        ({"type": "request.body.kind"}, b'{"kind": 1}', "type_failed"),
        ({"type": "request.body.kind"}, b'{"kind": "  "}', "type_failed"),
        ({"type": "request.body.kind"}, b'{"kind": "a\\nb"}', "type_failed"),
        ({"type": "request.body.?kind.orValue(null)"}, b"{}", "no_type"),
        ({"type": '"a"', "id": "request.body.id"}, b"{}", "id_failed"),
        ({"type": '"a"', "id": "request.body.id"}, b'{"id": {}}', "id_failed"),
        ({"type": '"a"', "id": "request.body.id"}, b'{"id": "a\\ud800"}', "id_failed"),
        ({"type": "request.body.kind"}, b'{"kind": "a\\udc00"}', "type_failed"),
        ({"type": '"a"', "filter": "request.body.wanted"}, b"{}", "filter_failed"),
        ({"type": '"a"', "filter": "request.body.wanted"}, b'{"wanted": 1}', "filter_failed"),
        ({"type": '"a"', "payload": "request.body.order"}, b"{}", "payload_failed"),
        ({"type": '"a"'}, b"[" * 300 + b"]" * 300, "bad_event"),
    ],
)
def test_what_can_be_no_event_is_refused(settings: dict[str, Any], body: bytes, reason: str) -> None:
    assert refusal(source(**settings), BEARER.request(body)) == (422, reason)


def test_the_cause_of_a_refusal_says_what_is_wrong_with_an_expression_and_quotes_no_value() -> None:
    with pytest.raises(RefusedError) as refused:
        incoming_events(source(type="request.body.kind.size() > 1 ? 1 : 2"), BEARER.request(b'{"kind": 12345}'), NOW)

    assert isinstance(refused.value.__cause__, ExpressionError)
    assert "12345" not in str(refused.value.__cause__)


def test_what_the_filter_leaves_out_is_told_apart() -> None:
    filtered = source(filter="!request.body.test", type="request.body.kind")

    assert one(filtered, BEARER.request(ORDER)).outcome == "wanted"
    assert one(filtered, BEARER.request(b'{"test": true}')).outcome == "filtered"
    assert one(filtered, BEARER.request(b'{"test": true}')).type == ""


@pytest.mark.parametrize("settings", [{"filter": "false"}, {"event_types": ("other",), "unknown": "ignore"}])
def test_what_is_not_wanted_is_refused_for_nothing_that_it_carries(settings: dict[str, Any]) -> None:
    event = one(
        source(type='"order.paid"', payload="request.body.order", **settings), BEARER.request(b"[" * 300 + b"]" * 300)
    )

    assert (event.outcome == "wanted", event.data) == (False, None)


@pytest.mark.parametrize(
    ("unknown", "outcome"),
    [("reject", (403, "type_not_allowed")), ("register", (403, "type_not_allowed")), ("ignore", "ignored")],
)
def test_a_type_that_the_source_may_not_send(unknown: Any, outcome: Any) -> None:
    limited = source(event_types=("order.*", "invoice.paid"), unknown=unknown)

    for allowed in ("order.paid", "order.", "invoice.paid"):
        assert one(limited, BEARER.request(path=f"/{allowed}")).outcome == "wanted"
    for other in ("Order.paid", "invoice.paid.not", "charge.created"):
        request = BEARER.request(path=f"/{other}")
        assert outcome == (refusal(limited, request) if unknown != "ignore" else one(limited, request).outcome)


def test_a_body_that_is_too_large_is_refused_before_it_is_verified() -> None:
    assert refusal(source(max_body=10), BEARER.request(b"0123456789a", secret=OLD)) == (413, "too_large")


def test_nothing_is_read_before_it_is_proved() -> None:
    assert refusal(source(), BEARER.request(b"{", secret=OLD)) == (401, "credentials_wrong")


@pytest.mark.parametrize("content_type", ["application/octet-stream", "multipart/form-data; boundary=x", "image/png"])
def test_a_media_type_that_is_not_read_is_refused(content_type: str) -> None:
    assert refusal(source(), BEARER.request(b"abc", content_type=content_type)) == (415, "unsupported_media_type")


def test_no_expression_sees_a_credential() -> None:
    by_api_key = source("api_key", type='"a"', payload="request.headers")

    event = one(by_api_key, SENDERS["api_key"].request())

    assert event.data == {"content-type": JSON}
    assert SECRET not in repr(by_api_key)


def test_numbers_and_texts_are_as_an_asset_event_holds_them() -> None:
    event = one(source(type='"a"'), BEARER.request(b'{"n": 12345678901234567.89, "t": "a\\u0000b"}'))

    assert event.data == {"n": {"$cloudfn.number": "12345678901234567.89"}, "t": "a\ufffdb"}


# Identity


def identity(scheme: str = "hmac", body: bytes = b"{}", **settings: Any) -> str:
    return one(source(scheme, type='"a"', **settings), SENDERS[scheme].request(body)).identity


def test_an_event_with_an_id_is_the_same_whatever_else_it_has() -> None:
    by_id = {"id": "request.body.id"}

    assert identity(body=b'{"id":"1"}', **by_id) == identity(body=b'{"id":"1","a":2}', **by_id)
    assert identity(body=b'{"id":"1"}', **by_id) == identity(body=b'{"id":1}', **by_id)
    assert identity(body=b'{"id":"1"}', **by_id) != identity(body=b'{"id":"2"}', **by_id)


def test_an_event_without_an_id_is_the_same_where_what_was_signed_is() -> None:
    assert identity(body=b"[1]") == identity(body=b"[1]") != identity(body=b"[2]")


def test_where_nothing_is_signed_path_and_query_make_another_event() -> None:
    request = BEARER.request()
    identities = {
        one(source(type='"a"'), changed).identity
        for changed in (
            request,
            replace(request, path="/b"),
            replace(request, query="c=1"),
            replace(request, body=b"{}"),
        )
    }

    assert len(identities) == 4
    assert all(len(identity) == 64 for identity in identities)


def test_an_id_is_no_digest() -> None:
    without = one(source(type='"a"'), BEARER.request())

    assert replace(without, id=without.digest).identity != without.identity
    assert replace(without, id="1", source="a").identity != replace(without, id="1", source="b").identity


def test_times_are_aware() -> None:
    assert one(source(type='"a"'), BEARER.request()).occurred_at == datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_one_body_sent_as_two_types_is_two_events() -> None:
    sender = SENDERS["hmac"]
    made, paid = (
        one(source("hmac"), sender.request(b'{"order": 42}', path=f"/order.{kind}")) for kind in ("created", "paid")
    )

    assert made.digest == paid.digest
    assert made.identity != paid.identity


@pytest.mark.parametrize("scheme", ["standard_webhooks", "stripe", "slack", "github"])
def test_headers_that_nobody_has_signed_make_no_other_event_of_one_with_an_id(scheme: str) -> None:
    sender = SENDERS[scheme]
    sent = sender.request(
        b'{"type": "order.paid", "id": "evt_1", "event_id": "evt_1", "event": {"type": "order.paid"}}'
    )
    smuggled = {"ce-specversion": "1.0", "ce-id": "x", "ce-source": "/x", "ce-type": "order.refunded"}
    settings = {"type": "'order.paid'"}

    again = one(source(scheme, **settings), replace(sent, headers=(*sent.headers, *smuggled.items())))

    assert (again.type, again.identity) == ("order.paid", one(source(scheme, **settings), sent).identity)


@pytest.mark.parametrize(("scheme", "event_type"), [("github", "push"), ("slack", "block_actions")])
def test_json_that_a_service_sends_in_a_field_of_a_form_is_the_body(scheme: str, event_type: str) -> None:
    sender = SENDERS[scheme]
    form = urlencode({"payload": '{"type": "block_actions", "ref": "refs/heads/main"}'}).encode()

    event = one(
        source(scheme, filter='request.body.ref == "refs/heads/main"'),
        sender.request(form, content_type="application/x-www-form-urlencoded"),
    )

    assert event.type == event_type
    assert event.data == {"type": "block_actions", "ref": "refs/heads/main"}


@pytest.mark.parametrize(
    ("scheme", "form", "data"),
    [
        ("github", b"payload=%7B", (400, "bad_body")),
        ("github", b"payload=1&more=2", {"payload": "1", "more": "2"}),
        ("bearer", b"payload=%7B%7D", {"payload": "{}"}),
    ],
)
def test_a_form_is_a_form_where_it_is_not_that(scheme: str, form: bytes, data: Any) -> None:
    request = SENDERS[scheme].request(form, content_type="application/x-www-form-urlencoded")

    if isinstance(data, tuple):
        assert refusal(source(scheme, type='"a"'), request) == data
    else:
        assert one(source(scheme, type='"a"'), request).data == data
