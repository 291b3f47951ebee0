"""Signed bytes that come again: read as something else they are no second event, and what is another event is one."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any, Final

import pytest
from kit.senders import SECRET, SENDERS
from sqlalchemy.orm import Session

from airflow_provider_cloudfn.cli.demo.airflow_api import until
from airflow_provider_cloudfn.deliveries.ledger import Wanted, find_deliveries, replay

if TYPE_CHECKING:
    from collections.abc import Callable

STRUCTURED: Final = {"content-type": "application/cloudevents+json"}
BATCHED: Final = {"content-type": "application/cloudevents-batch+json"}
PLAIN: Final = {"content-type": "application/json"}
FORM: Final = {"content-type": "application/x-www-form-urlencoded"}
BINARY: Final = {
    **PLAIN,
    "ce-specversion": "1.0",
    "ce-id": "another",
    "ce-source": "/elsewhere",
    "ce-type": "order.paid",
}

EVENT: Final = {"specversion": "1.0", "id": "evt_1", "source": "/shop", "type": "order.paid", "data": {}}
ONE: Final = json.dumps(EVENT).encode()
TWO: Final = json.dumps([EVENT, {**EVENT, "id": "evt_2"}]).encode()
SLACK: Final = b'{"event_id": "Ev1", "event": {"type": "order.paid"}}'
STRIPE: Final = b'{"id": "evt_1", "type": "order.paid"}'
CLAIMS_MORE: Final = b'{"id": "evt_1", "type": "order.paid", "note": "a&id=evt_2&b"}'
HMAC: Final = {
    "scheme": "hmac",
    "hmac_header": "x-signature",
    "hmac_algorithm": "sha512",
    "hmac_format": "sha512={signature}",
    "hmac_signed": "{timestamp}.{body}",
    "hmac_timestamp_header": "x-timestamp",
}
BY_BODY: Final = {**HMAC, "id": "request.body.orderId"}
BY_PATH: Final = {**HMAC, "id": 'request.path + " " + request.body.orderId'}
ORDER: Final = b'{"orderId": "1001"}'
PAID, SENT = "/order.paid", "/order.sent"


@pytest.fixture
def posted(source: Any, dags: Any, client: Any) -> Callable[..., Any]:
    """Return a function that sends a body to the source ``shop``, signed as a scheme has it."""
    dags(
        'paid = DAG("paid", schedule=CompletionEvent("order.paid"))\n'
        'sent = DAG("sent", schedule=CompletionEvent("order.sent"))'
    )
    now = dt.datetime.now(tz=dt.UTC)

    def post(settings: dict[str, Any], body: bytes, *, path: str = "", later: int = 0, **headers: str) -> Any:
        source(secret=SECRET, **settings)
        signed = SENDERS[settings["scheme"]].sign(body, SECRET, now + dt.timedelta(seconds=later))
        return client.post(f"/shop{path}", content=body, headers={**signed, **headers})

    return post


def of(scheme: str) -> dict[str, Any]:
    return {"scheme": scheme}


@pytest.mark.parametrize("later", [0, 7], ids=["as it was seen", "after its sender has signed it anew"])
@pytest.mark.parametrize(
    ("settings", "body", "first", "second"),
    [
        pytest.param(of("standard_webhooks"), ONE, STRUCTURED, PLAIN, id="standard webhooks, structured and plain"),
        pytest.param(of("standard_webhooks"), ONE, PLAIN, STRUCTURED, id="standard webhooks, plain and structured"),
        pytest.param(of("standard_webhooks"), TWO, BATCHED, {**PLAIN, "path": PAID}, id="standard webhooks, a batch"),
        pytest.param(
            of("standard_webhooks"), TWO, {**PLAIN, "path": PAID}, BATCHED, id="standard webhooks, as a batch"
        ),
        pytest.param(of("emporix_oe"), ONE, STRUCTURED, BINARY, id="the engine, structured and binary"),
        pytest.param(of("emporix_oe"), ONE, STRUCTURED, {**PLAIN, "path": SENT}, id="the engine, structured and plain"),
        pytest.param(of("emporix_oe"), ONE, {**PLAIN, "path": SENT}, STRUCTURED, id="the engine, plain and structured"),
        pytest.param(of("emporix_commerce"), ONE, STRUCTURED, PLAIN, id="commerce, structured and plain"),
        pytest.param(of("github"), ONE, STRUCTURED, {**PLAIN, "x-github-event": "order.sent"}, id="github, structured"),
        pytest.param(of("slack"), SLACK, PLAIN, {**FORM, "path": PAID}, id="slack, as a form"),
        pytest.param(of("stripe"), STRIPE, PLAIN, {**FORM, "path": PAID}, id="stripe, as a form"),
        pytest.param(of("stripe"), CLAIMS_MORE, PLAIN, {**FORM, "path": PAID}, id="stripe, with an id in a form"),
        pytest.param(HMAC, ONE, STRUCTURED, {**PLAIN, "path": PAID}, id="hmac, structured and plain"),
        pytest.param(HMAC, ONE, STRUCTURED, BINARY, id="hmac, structured and binary"),
        pytest.param(BY_BODY, ORDER, {**PLAIN, "path": PAID}, BINARY, id="hmac, with an id of the body, and binary"),
    ],
)
def test_signed_bytes_are_no_second_event_in_another_form(
    settings: dict[str, Any],
    body: bytes,
    first: dict[str, Any],
    second: dict[str, Any],
    later: int,
    posted: Any,
    asset_events: Any,
) -> None:
    assert posted(settings, body, **first).status_code == 202
    made = asset_events()

    answer = posted(settings, body, later=later, **second)

    assert (answer.status_code, {one["outcome"] for one in answer.json()["events"]}) == (200, {"duplicate"})
    assert asset_events() == made
    assert sum(one.repeats for one in find_deliveries(Wanted())) == len(answer.json()["events"])


@pytest.mark.parametrize(
    ("settings", "body", "first", "second"),
    [
        pytest.param(
            {**of("github"), "type": '"order.paid"'}, b"{}", {}, {"x-github-delivery": "2"}, id="github, two deliveries"
        ),
        pytest.param(of("emporix_oe"), b"{}", BINARY, {**BINARY, "ce-id": "2"}, id="the engine, ids in headers"),
        pytest.param(HMAC, ORDER, {**PLAIN, "path": PAID}, {**PLAIN, "path": SENT}, id="hmac, two types in the path"),
        pytest.param(BY_PATH, ORDER, {**PLAIN, "path": PAID}, {**PLAIN, "path": SENT}, id="hmac, an id of the path"),
        pytest.param(HMAC, b"{}", {**PLAIN, "path": PAID}, {**PLAIN, "path": PAID, "later": 1}, id="hmac, later"),
    ],
)
def test_the_same_bytes_are_two_events_where_something_else_says_so(
    settings: dict[str, Any], body: bytes, first: dict[str, Any], second: dict[str, Any], posted: Any, asset_events: Any
) -> None:
    assert [posted(settings, body, **one).status_code for one in (first, second)] == [202, 202]
    assert len(asset_events()) == 2


def test_a_message_with_another_id_is_another_event_whatever_its_body(
    source: Any, dags: Any, client: Any, asset_events: Any
) -> None:
    from standardwebhooks import Webhook

    dags('paid = DAG("paid", schedule=CompletionEvent("order.paid"))')
    source(secret=SECRET, scheme="standard_webhooks")
    now, body = dt.datetime.now(tz=dt.UTC), '{"type": "order.paid"}'

    def sent(message: str) -> int:
        signature = Webhook(SECRET).sign(message, now, body)
        signed = {"webhook-id": message, "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}
        return int(client.post("/shop", content=body, headers={**PLAIN, **signed}).status_code)

    assert [sent("msg_1"), sent("msg_2"), sent("msg_1")] == [202, 202, 200]
    assert len(asset_events()) == 2


def test_the_rest_of_a_batch_that_was_ignored_comes_in_with_the_same_bytes(
    source: Any, posted: Any, dags: Any, asset_events: Any
) -> None:
    settings = {**of("emporix_oe"), "unknown": "ignore"}
    body = json.dumps([{**EVENT, "type": "not.yet"}, {**EVENT, "id": "evt_2"}]).encode()
    first = posted(settings, body, **BATCHED)
    dags(
        'late = DAG("late", schedule=CompletionEvent("not.yet"))\npaid = DAG("paid", schedule=CompletionEvent("order.paid"))'
    )

    second = posted(settings, body, **BATCHED)

    assert [one["outcome"] for one in first.json()["events"]] == ["ignored", "accepted"]
    assert [one["outcome"] for one in second.json()["events"]] == ["accepted", "duplicate"]
    assert len(asset_events()) == 2


@pytest.mark.parametrize("unknown", ["reject", "ignore"])
def test_what_was_replayed_is_no_second_event_in_another_form(
    posted: Any, dags: Any, asset_events: Any, unknown: str
) -> None:
    settings = {**of("emporix_oe"), "unknown": unknown}
    body = json.dumps({**EVENT, "type": "not.yet"}).encode()
    posted(settings, body, **STRUCTURED)
    (left,) = until(lambda: find_deliveries(Wanted()) or None, 20, "the refusal is not noted", pause=0.02)
    dags('late = DAG("late", schedule=[CompletionEvent("not.yet"), CompletionEvent("order.sent")])')
    replay(left.id)

    again = posted(settings, body, **PLAIN, path=SENT)

    assert (again.status_code, len(asset_events())) == (200, 1)


def test_all_of_a_batch_that_was_refused_can_be_replayed_and_comes_in_once(
    posted: Any, dags: Any, asset_events: Any
) -> None:
    settings = {**of("emporix_oe"), "unknown": "reject"}
    body = json.dumps([{**EVENT, "id": name, "type": "not.yet"} for name in ("evt_1", "evt_2")]).encode()
    assert posted(settings, body, **BATCHED).status_code == 422
    left = until(lambda: find_deliveries(Wanted()) or None, 20, "the refusal is not noted", pause=0.02)
    dags('late = DAG("late", schedule=[CompletionEvent("not.yet"), CompletionEvent("order.sent")])')
    for delivery in left:
        replay(delivery.id)

    again = [posted(settings, body, **BATCHED), posted(settings, body, **PLAIN, path=SENT)]

    assert ([one.status_code for one in again], len(asset_events())) == ([200, 200], 2)


def test_who_is_overtaken_by_the_same_bytes_is_told_that_they_are_a_duplicate(
    posted: Any, asset_events: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert posted(of("emporix_oe"), ONE, **STRUCTURED).status_code == 202
    looks: list[Any] = []
    scalar = Session.scalar

    def late(session: Session, statement: Any, *given: Any, **more: Any) -> Any:
        is_look = "signed_key =" in str(statement) and str(statement).startswith("SELECT")
        looks.extend([statement] * is_look)
        # The first look comes too early, as that of another API server may.
        return None if is_look and len(looks) == 1 else scalar(session, statement, *given, **more)

    monkeypatch.setattr(Session, "scalar", late)

    again = posted(of("emporix_oe"), ONE, **PLAIN, path=SENT)

    assert (again.status_code, len(looks), len(asset_events())) == (200, 2, 1)
