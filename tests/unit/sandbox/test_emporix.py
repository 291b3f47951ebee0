"""The Emporix event receiver and token endpoint."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_cloudfn.sandbox.signing import signature

if TYPE_CHECKING:
    import httpx

    from airflow_provider_cloudfn.sandbox import Sandbox

HEADERS = {
    "Content-Type": "application/json",
    "ce-specversion": "1.0",
    "ce-id": "1-2-3",
    "ce-source": "airflow/fulfil",
    "ce-type": "order.paid",
}


def _send(client: httpx.Client, sandbox: Sandbox, content: bytes = b"{}", **changed: str | None) -> httpx.Response:
    signed = HEADERS | {"x-emporix-hmac": signature(sandbox.credentials.event_secret, content)}
    headers = signed | {name.replace("_", "-"): value for name, value in changed.items()}
    given = {name: value for name, value in headers.items() if value is not None}
    return client.post(f"/e/{sandbox.credentials.event_source}", content=content, headers=given)


@pytest.mark.parametrize(
    ("secret", "content", "expected"),
    [
        ("secret", b"data", "GywWt1vSqHDBFBU8zaW8/KYzFLxyL6Fg1pDeEzzLuds="),
        ("test-secret", b'{"orderId":"EON1075"}', "aBlS7L9NzAwdI+nEGsO07Njb1lSBYggtQXymh/QH644="),
        ("test-secret", b"", "pBvG2B1kE1dq4JlJleCtiaQW7Jc4lRXDYE9HciEi7us="),
        ("test-secret", '{"name":"Müller","emoji":"☕"}'.encode(), "+r6HxRLmli7Vj3SB4YSKR2RDaXSyZfMZHfca1T8otjk="),
    ],
)
def test_the_signature_is_that_of_the_vectors(secret: str, content: bytes, expected: str) -> None:
    assert signature(secret, content) == expected


def test_an_event_starts_a_process_that_keeps_the_payload_under_its_key(client: httpx.Client, sandbox: Sandbox) -> None:
    payload = {"orderId": "1001", "note": "ünïcode"}
    answer = _send(
        client, sandbox, json.dumps(payload).encode(), ce_subject="Order%20paid%20%C3%BC", ce_caseid="case%2F1"
    )
    body = answer.json()
    assert (answer.status_code, body["status"], set(body)) == (200, "SUCCESS", {"status", "message", "request_id"})
    assert body["request_id"].startswith("req_")
    (process,) = sandbox.processes
    assert process.context["order.paid"] == payload
    assert process.context["metadata"] == {"externalID": "1-2-3", "scenarioid": ""}
    assert set(process.document) == {"metadata", "context", "status"}
    assert set(process.document["metadata"]) == {"tenant", "createdAt", "updatedAt"}
    (event,) = process.events
    assert (event.id, event.type, event.source) == ("1-2-3", "order.paid", "airflow/fulfil")
    assert (event.subject, event.case_id, event.request_id) == ("Order paid ü", "case/1", body["request_id"])


def test_each_event_starts_a_process_of_its_own(client: httpx.Client, sandbox: Sandbox) -> None:
    for number in range(3):
        _send(client, sandbox, ce_id=str(number))
    assert [process.context["metadata"]["externalID"] for process in sandbox.processes] == ["0", "1", "2"]
    assert len({process.instance_id for process in sandbox.processes}) == 3


def test_an_empty_body_is_an_empty_payload(client: httpx.Client, sandbox: Sandbox) -> None:
    assert _send(client, sandbox, b"").status_code == 200
    assert sandbox.processes[0].context["order.paid"] == {}


def test_an_event_with_an_instance_id_joins_that_process(client: httpx.Client, sandbox: Sandbox) -> None:
    _send(client, sandbox, b'{"n":1}')
    instance = sandbox.processes[0].instance_id
    _send(client, sandbox, b'{"n":2}', ce_type="order.shipped", ce_id="4", ce_instanceid=instance)
    (process,) = sandbox.processes
    assert (process.context["order.paid"], process.context["order.shipped"]) == ({"n": 1}, {"n": 2})
    assert [event.id for event in process.events] == ["1-2-3", "4"]


def test_an_event_with_an_execution_completes_a_step(client: httpx.Client, sandbox: Sandbox) -> None:
    _send(client, sandbox)
    instance = sandbox.processes[0].instance_id
    step = {"ce_executionid": "x%201", "ce_scenarioid": "s-1", "ce_npsprojection": "D", "ce_instanceid": instance}
    assert _send(client, sandbox, b'{"n":2}', ce_type="done", ce_id="4", **step).status_code == 200
    (process,) = sandbox.processes
    (completion,) = process.completions
    assert (completion.id, completion.execution_id, completion.scenario_id) == ("4", "x 1", "s-1")
    assert completion.impact == "D"
    assert process.context["done"] == {"n": 2}


@pytest.mark.parametrize(
    ("content", "changed", "status", "cause"),
    [
        (b"{}", {"x_emporix_hmac": None}, 401, "VERIFICATION_FAILED"),
        (b"{}", {"x_emporix_hmac": "wrong"}, 401, "VERIFICATION_FAILED"),
        (b"{}", {"x_emporix_hmac": signature("another secret", b"{}")}, 401, "VERIFICATION_FAILED"),
        (b"{}", {"Content_Type": "application/cloudevents+json"}, 415, "UNSUPPORTED_CONTENT_TYPE"),
        (b"{}", {"Content_Type": "text/plain"}, 415, "UNSUPPORTED_CONTENT_TYPE"),
        (b"{}", {"ce_id": None}, 400, "MISSING_ATTRIBUTE"),
        (b"{}", {"ce_source": ""}, 400, "MISSING_ATTRIBUTE"),
        (b"{}", {"ce_type": None}, 400, "MISSING_ATTRIBUTE"),
        (b"{}", {"ce_specversion": None}, 400, "MISSING_ATTRIBUTE"),
        (b"{}", {"ce_specversion": "0.3"}, 400, "UNSUPPORTED_SPECVERSION"),
        (b"{}", {"ce_type": "metadata"}, 400, "RESERVED_EVENT_TYPE"),
        (b"{}", {"ce_subject": "two words"}, 400, "MALFORMED_ATTRIBUTE"),
        (b'{"a":', {}, 400, "UNPARSABLE_JSON"),
        (b"{}", {"ce_instanceid": "unknown"}, 404, "UNKNOWN_INSTANCE"),
        (b"{}", {"ce_instanceid": "unknown", "ce_executionid": "x"}, 400, "MISSING_ATTRIBUTE"),
        (b"{}", {"ce_instanceid": "unknown", "ce_scenarioid": "s"}, 400, "MISSING_ATTRIBUTE"),
        (b"{}", {"ce_executionid": "x", "ce_scenarioid": "s"}, 400, "MISSING_ATTRIBUTE"),
        (b"{}", {"ce_npsprojection": "P"}, 400, "MISSING_ATTRIBUTE"),
        (
            b"{}",
            {"ce_instanceid": "i", "ce_executionid": "x", "ce_scenarioid": "s", "ce_npsprojection": "X"},
            400,
            "MALFORMED_ATTRIBUTE",
        ),
    ],
)
def test_a_wrong_event_starts_nothing_and_is_told_why(
    client: httpx.Client, sandbox: Sandbox, content: bytes, changed: dict[str, Any], status: int, cause: str
) -> None:
    refused = _send(client, sandbox, content, **changed)
    assert (refused.status_code, refused.json()["status"]) == (status, cause)
    assert refused.json()["request_id"] == refused.headers["x-request-id"]
    assert sandbox.processes == []


def test_an_unknown_source_is_refused(client: httpx.Client, sandbox: Sandbox) -> None:
    assert client.post("/e/src_unknown", content=b"{}").json()["status"] == "SOURCE_NOT_FOUND"


def _client(sandbox: Sandbox) -> dict[str, str]:
    credentials = sandbox.credentials
    return {"client_id": credentials.emporix_client_id, "client_secret": credentials.emporix_client_secret}


def test_the_api_gives_a_token_to_its_client(client: httpx.Client, sandbox: Sandbox) -> None:
    issued = client.post("/oauth/token", data={"grant_type": "client_credentials", **_client(sandbox)}).json()
    assert (issued["token_type"], issued["expires_in"], issued["session_idle_time"]) == ("Bearer", 14399, 120)
    assert issued["scope"].endswith(" tenant=sandbox")
    assert issued["access_token"]


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"client_secret": "wrong"}, 401),
        ({"client_id": "wrong"}, 401),
        ({"client_id": ""}, 401),
        ({"grant_type": "password"}, 400),
    ],
)
def test_the_api_refuses_others_with_a_fault(
    client: httpx.Client, sandbox: Sandbox, changed: dict[str, str], status: int
) -> None:
    form = {"grant_type": "client_credentials", **_client(sandbox), **changed}
    refused = client.post("/oauth/token", data=form)
    assert refused.status_code == status
    assert refused.json()["fault"]["faultstring"]
