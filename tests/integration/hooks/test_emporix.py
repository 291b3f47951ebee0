from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_cloudfn.connections.emporix import SIGNATURE_HEADER
from airflow_provider_cloudfn.exceptions import CloudFunctionError, ConfigurationError, ResponseError
from airflow_provider_cloudfn.hooks.emporix import AcceptedEvent, EmporixHook

if TYPE_CHECKING:
    from airflow_provider_cloudfn.sandbox.server import Sandbox

SECRET = "test-secret"


@pytest.fixture
def hook(service: Any, connection: Any) -> EmporixHook:
    connection("oe", conn_type="emporix_oe", login=f"{service.url}/e/src_w34a44rft567", password=SECRET)
    return EmporixHook("oe")


def start(hook: EmporixHook, mode: str, *arguments: Any, **keywords: Any) -> AcceptedEvent:
    if mode == "sync":
        return hook.start(*arguments, **keywords)
    return asyncio.run(hook.astart(*arguments, **keywords))


MODES = pytest.mark.parametrize("mode", ["sync", "async"])


@MODES
@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"OK"),
        ("application/json", b'{"a": '),
        ("text/plain; charset=foo", b"OK"),
        ("text/plain", b"\xff"),
    ],
)
def test_an_event_that_was_accepted_is_started_whatever_the_receiver_says_besides(
    service: Any, hook: EmporixHook, mode: str, content_type: str, body: bytes
) -> None:
    service.answer(status=200, body=body, **{"Content-Type": content_type, "X-Request-Id": "req_1"})

    assert start(hook, mode, "order.paid", event_id="e-1") == AcceptedEvent(
        "e-1", "order.paid", "airflow", "req_1", 200
    )


@MODES
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_no_success(service: Any, hook: EmporixHook, mode: str, status: int) -> None:
    service.answer(status=status, Location="/login")

    with pytest.raises(ResponseError, match=rf"answered {status}.*redirects elsewhere, which is not followed"):
        start(hook, mode, "order.paid")
    assert [got.method for got in service.received] == ["POST"]


@MODES
def test_a_cloudevent_in_binary_mode_is_sent(service: Any, hook: EmporixHook, mode: str) -> None:
    service.answer(status=200, body=b'{"status": "SUCCESS", "message": "ok", "request_id": "req_NkMd"}')

    started = start(
        hook,
        mode,
        "order.paid",
        case_id="case 7",
        subject='Order "7" für 5 €',
        payload={"orderId": "EON1075"},
        source="airflow/orders",
        event_id="e-1",
    )

    (got,) = service.received
    assert (got.method, got.target, got.body) == ("POST", "/e/src_w34a44rft567", b'{"orderId":"EON1075"}')
    assert {name: value for name, value in got.headers.items() if name.startswith("ce-")} == {
        "ce-specversion": "1.0",
        "ce-id": "e-1",
        "ce-type": "order.paid",
        "ce-source": "airflow/orders",
        "ce-caseid": "case%207",
        "ce-subject": "Order%20%227%22%20f%C3%BCr%205%20%E2%82%AC",
    }
    assert got.headers["content-type"] == "application/json"
    assert got.headers["x-emporix-hmac"] == "aBlS7L9NzAwdI+nEGsO07Njb1lSBYggtQXymh/QH644="
    assert started == AcceptedEvent("e-1", "order.paid", "airflow/orders", "req_NkMd", 200)


@pytest.mark.parametrize(
    ("arguments", "body", "signature"),
    [
        ({}, b"{}", "L1kEC2O3IAWYREI52iyaTzq8XENCWbIxJtclFNq4zQk="),
        ({"payload": {}}, b"{}", "L1kEC2O3IAWYREI52iyaTzq8XENCWbIxJtclFNq4zQk="),
        (
            {"json_string": '{"name":"Müller","emoji":"☕"}'},
            '{"name":"Müller","emoji":"☕"}'.encode(),
            "+r6HxRLmli7Vj3SB4YSKR2RDaXSyZfMZHfca1T8otjk=",
        ),
        (
            {"payload": {"name": "Müller", "emoji": "☕"}},
            '{"name":"Müller","emoji":"☕"}'.encode(),
            "+r6HxRLmli7Vj3SB4YSKR2RDaXSyZfMZHfca1T8otjk=",
        ),
        ({"json_string": ' {"a" : 1.0}\n'}, b' {"a" : 1.0}\n', None),
        ({"json_string": "null"}, b"null", None),
        ({"payload": [1, None]}, b"[1,null]", None),
    ],
)
@MODES
def test_the_signature_is_over_the_very_bytes_that_are_sent(
    service: Any, hook: EmporixHook, mode: str, arguments: dict[str, Any], body: bytes, signature: str | None
) -> None:
    start(hook, mode, "order.paid", **arguments)

    (got,) = service.received
    expected = base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()
    assert signature in (None, expected)
    assert (got.body, got.headers["x-emporix-hmac"]) == (body, expected)


@MODES
def test_the_signature_stands_in_the_header_that_the_connection_names(service: Any, connection: Any, mode: str) -> None:
    login = f"{service.url}/e/src_w34a44rft567"
    extra = {"signature_header": "X-Hmac-Signature"}
    connection("oe", conn_type="emporix_oe", login=login, password=SECRET, extra=extra)

    start(EmporixHook("oe"), mode, "order.paid")

    (got,) = service.received
    assert got.headers["x-hmac-signature"] == "L1kEC2O3IAWYREI52iyaTzq8XENCWbIxJtclFNq4zQk="
    assert "x-emporix-hmac" not in got.headers


def test_the_first_vector_of_the_documentation(connection: Any) -> None:
    from airflow_provider_cloudfn.auth.hmac_signature import HmacSignatureAuth

    assert HmacSignatureAuth("secret", SIGNATURE_HEADER).sign(b"data") == "GywWt1vSqHDBFBU8zaW8/KYzFLxyL6Fg1pDeEzzLuds="
    assert HmacSignatureAuth(SECRET, SIGNATURE_HEADER).sign(b"") == "pBvG2B1kE1dq4JlJleCtiaQW7Jc4lRXDYE9HciEi7us="


def test_what_was_prepared_is_what_is_sent(service: Any, hook: EmporixHook) -> None:
    arguments: dict[str, Any] = {"payload": {"a": 1}, "event_id": "e-1", "subject": "Order paid"}

    prepared = hook.prepare_start("order.paid", **arguments)
    assert service.received == []
    hook.start("order.paid", **arguments)

    (got,) = service.received
    assert (prepared.method, prepared.url, prepared.body) == ("POST", service.url + got.target, got.body)
    for name, value in prepared.headers:
        assert got.headers[name.lower()] == value


def test_the_instance_id_is_never_sent_and_what_is_not_given_neither(service: Any, hook: EmporixHook) -> None:
    hook.start("order.paid")

    names = {name for name in service.received[0].headers if name.startswith("ce-")}
    assert names == {"ce-specversion", "ce-id", "ce-type", "ce-source"}


def test_without_an_event_id_each_event_is_another_one(service: Any, hook: EmporixHook) -> None:
    ids = {hook.start("order.paid").id for _ in range(2)}

    assert len(ids) == 2
    assert ids == {got.headers["ce-id"] for got in service.received}


def test_an_answer_that_is_no_json_is_an_acceptance_all_the_same(service: Any, hook: EmporixHook) -> None:
    service.answer(status=202, body=b"OK", **{"X-Request-Id": "r-9"})

    started = hook.start("order.paid", event_id="e-1")

    assert (started.status, started.request_id) == (202, "r-9")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"event_type": ""}, "event_type: is missing"),
        ({"event_type": None}, "event_type: is missing"),
        ({"event_type": 5}, "event_type: must be text, not an integer"),
        ({"subject": ["x"]}, "subject: must be text, not a list"),
        ({"subject": "a\r\nx-evil: 1"}, "subject: holds a line break"),
        ({"case_id": "\ud800"}, "case_id: holds half of a surrogate pair"),
        ({"payload": '{"a": 1}'}, "payload: is text. If it is JSON, pass it as json_string"),
        ({"payload": {"a": float("nan")}}, "can't be written as JSON"),
        ({"payload": {"a": 1}, "json_string": "{}"}, "payload and json_string: give one of them"),
        ({"payload": {}, "json_string": "{}"}, "payload and json_string: give one of them"),
        ({"json_string": "{"}, "json_string: is no JSON (line 1, column 2"),
        ({"json_string": '{"a": NaN}'}, "json_string: holds NaN, which JSON does not have"),
        ({"json_string": {"a": 1}}, "json_string: must be text, not a map; pass a value as payload"),
        ({"json_string": '"' + "\ud800" + '"'}, "json_string: is no JSON that can be sent"),
        ({"paylod": {}}, "paylod: there is no such part of this event; did you mean payload="),
        (
            {"instance_id": "i-1"},
            "instance_id: there is no such part of this event (instance_id= is of resume and complete)",
        ),
        ({"json_string": "[" * 200_000}, "json_string: is no JSON that can be sent"),
    ],
)
@MODES
def test_what_can_not_be_an_event_is_refused_before_anything_is_sent(
    service: Any, hook: EmporixHook, mode: str, arguments: dict[str, Any], expected: str
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        start(hook, mode, **{"event_type": "order.paid", **arguments})

    assert expected in str(raised.value)
    assert service.received == []


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({}, "instance_id: is missing; write the id of the running instance"),
        ({"instance_id": "i-1"}, "execution_id: is missing; write the id of the execution"),
        ({"instance_id": "i-1", "execution_id": "e-1"}, "scenario_id: is missing; write the id of the scenario"),
        (
            {"instance_id": "i-1", "execution_id": "e-1", "scenario_id": "s-1", "impct": "P"},
            "impct: there is no such part of this event; did you mean impact=",
        ),
    ],
)
def test_a_completion_that_names_no_step_is_refused(
    service: Any, hook: EmporixHook, parts: dict[str, Any], expected: str
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        hook.complete("order.paid", **parts)

    assert expected in str(raised.value)
    assert service.received == []


def test_a_refusal_is_an_error_without_the_secret(service: Any, hook: EmporixHook) -> None:
    service.answer(status=401, body=json.dumps({"secret": SECRET}).encode())

    with pytest.raises(CloudFunctionError) as raised:
        hook.start("order.paid")

    assert SECRET not in str(raised.value)


@MODES
def test_the_sandbox_starts_a_process(sandbox: Sandbox, connection: Any, mode: str) -> None:
    sandbox.reset()
    connection("oe", **sandbox.connections()["emporix"])

    started = start(EmporixHook("oe"), mode, "order.paid", payload={"orderId": "1001"}, subject="Größe: 5 %")

    assert 200 <= started.status < 300
    assert len(sandbox.processes) == 1
