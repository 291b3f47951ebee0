"""The shop's API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx

    from airflow_provider_cloudfn.sandbox import Sandbox


def test_an_order_names_its_customer_and_total(client: httpx.Client) -> None:
    order = client.get("/open/v1/orders/1001").json()
    assert (order["id"], order["total"], order["currency"]) == ("1001", 129.5, "EUR")
    assert order["customer"]["id"] == "c-1"
    assert order["total"] == sum(item["quantity"] * item["price"] for item in order["items"])


def test_an_id_may_need_percent_encoding(client: httpx.Client) -> None:
    assert client.get("/open/v1/orders/A%2F7%20%C3%BC").json()["id"] == "A/7 ü"


def test_following_next_reads_every_customer_once(client: httpx.Client) -> None:
    uri, ids, pages = "/v1/customers?limit=2", [], 0
    while uri:
        page = client.get("/open" + uri).json()
        ids += [customer["id"] for customer in page["items"]]
        uri = page["next"]
        pages += 1
    assert (ids, pages) == (["c-1", "c-2", "c-3", "c-4", "c-5"], 3)


def test_every_customer_has_a_score(client: httpx.Client) -> None:
    for customer in client.get("/open/v1/customers").json()["items"]:
        scored = client.get(f"/open/v1/scores/{customer['id']}").json()
        assert scored["customer"] == customer["id"]
        assert 0 <= scored["score"] <= 100


def test_a_charge_is_stored_with_what_was_sent_and_can_be_read(client: httpx.Client, sandbox: Sandbox) -> None:
    answered = client.post("/open/v1/charges?environment=production", json={"amount": 129.5, "customer": "c-1"})
    charge = answered.json()
    assert answered.status_code == 201
    assert (charge["amount"], charge["customer"], charge["environment"]) == (129.5, "c-1", "production")
    assert sandbox.charges == [charge]
    assert client.get(f"/header{answered.headers['location']}").status_code == 401
    assert client.get(f"/open{answered.headers['location']}").json() == charge
    assert client.get("/open/v1/charges").json()["items"] == [charge]


def test_a_body_without_amount_is_stored_as_the_documents_send_it(client: httpx.Client, sandbox: Sandbox) -> None:
    body = {"customer_name": "John Doe", "priority": "High", "is_active": True}
    assert client.post("/open/v1/charges", json=body).json().items() >= body.items()


def test_a_caller_cannot_choose_the_id_of_a_charge(client: httpx.Client) -> None:
    assert client.post("/open/v1/charges", json={"id": "mine"}).json()["id"] != "mine"


def test_the_same_idempotency_key_charges_once(client: httpx.Client, sandbox: Sandbox) -> None:
    first, second = (
        client.post("/open/v1/charges", json={"amount": 5}, headers={"Idempotency-Key": "k"}) for _ in range(2)
    )
    assert first.json() == second.json()
    assert (first.status_code, second.status_code, len(sandbox.charges)) == (201, 201, 1)
    assert second.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers


@pytest.mark.parametrize(
    ("path", "body"), [("/open/v1/charges", {"amount": 6}), ("/open/v1/charges?environment=production", {"amount": 5})]
)
def test_an_idempotency_key_is_good_for_one_request_only(
    client: httpx.Client, sandbox: Sandbox, path: str, body: dict[str, Any]
) -> None:
    headers = {"Idempotency-Key": "k"}
    client.post("/open/v1/charges", json={"amount": 5}, headers=headers)
    refused = client.post(path, json=body, headers=headers)
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "idempotency_key_reused")
    assert len(sandbox.charges) == 1


def test_without_a_key_each_request_charges(client: httpx.Client, sandbox: Sandbox) -> None:
    for _ in range(2):
        client.post("/open/v1/charges", json={"amount": 5})
    assert len({charge["id"] for charge in sandbox.charges}) == 2


def test_a_report_is_answered_with_an_id(client: httpx.Client) -> None:
    answered = client.post("/open/v1/reports", json={"best": ["c-1"]})
    assert answered.status_code == 201
    assert answered.json()["best"] == ["c-1"]
    assert answered.json()["id"].startswith("rep_")


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "code"),
    [
        ("GET", "/open/v1/orders/9", None, 404, "not_found"),
        ("GET", "/open/v1/customers/9", None, 404, "not_found"),
        ("GET", "/open/v1/charges/9", None, 404, "not_found"),
        ("GET", "/open/v1/scores/9", None, 404, "not_found"),
        ("GET", "/open/v1/nothing", None, 404, "not_found"),
        ("GET", "/nothing", None, 404, "not_found"),
        ("DELETE", "/open/v1/charges", None, 405, "method_not_allowed"),
        ("GET", "/open/v1/customers?limit=0", None, 422, "invalid_limit"),
        ("GET", "/open/v1/customers?limit=101", None, 422, "invalid_limit"),
        ("GET", "/open/v1/customers?limit=many", None, 422, "invalid_limit"),
        ("GET", "/open/v1/customers?after=c-9", None, 422, "unknown_cursor"),
        ("POST", "/open/v1/charges", b"", 400, "malformed_json"),
        ("POST", "/open/v1/charges", b'{"amount":', 400, "malformed_json"),
        ("POST", "/open/v1/charges", b'{"amount": NaN}', 400, "malformed_json"),
        ("POST", "/open/v1/charges", b"\xff", 400, "malformed_json"),
        ("POST", "/open/v1/charges", b"[]", 422, "no_object"),
        ("POST", "/open/v1/charges", b'{"amount": -1}', 422, "invalid_amount"),
        ("POST", "/open/v1/charges", b'{"amount": "5"}', 422, "invalid_amount"),
        ("POST", "/open/v1/charges", b'{"amount": true}', 422, "invalid_amount"),
        ("POST", "/open/v1/charges", b'{"amount": 1e999}', 400, "malformed_json"),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(
    client: httpx.Client, sandbox: Sandbox, method: str, path: str, content: bytes | None, status: int, code: str
) -> None:
    refused = client.request(method, path, content=content, headers={"Content-Type": "application/json"})
    body = refused.json()
    assert (refused.status_code, body["error"]["code"]) == (status, code)
    assert body["request_id"] == refused.headers["x-request-id"]
    assert sandbox.charges == []


def test_only_json_is_taken(client: httpx.Client) -> None:
    assert client.post("/open/v1/charges", data={"amount": "5"}).status_code == 415
