"""Both process engines: a process starts, waits, is resumed, and posts its signed event last."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from kit.server import Answer, LoopbackServer

from airflow_provider_cloudfn.cli.demo.airflow_api import until
from airflow_provider_cloudfn.sandbox import Sandbox
from airflow_provider_cloudfn.sandbox.signing import signature

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENT = {"ce-id": "e-1", "ce-source": "airflow/d", "ce-type": "order.paid", "ce-specversion": "1.0"}


@pytest.fixture
def receiver() -> Iterator[LoopbackServer]:
    server = LoopbackServer()
    yield server
    server.stop()


@pytest.fixture
def engines(receiver: LoopbackServer) -> Iterator[Sandbox]:
    with Sandbox.start(callback_url=f"{receiver.url}/cloudfn/events/engine") as sandbox:
        yield sandbox


def emporix(sandbox: Sandbox, payload: Any, **attributes: str) -> httpx.Response:
    content = json.dumps(payload).encode()
    headers = {
        **EVENT,
        "Content-Type": "application/json",
        **{f"ce-{name}": value for name, value in attributes.items()},
    }
    headers["x-emporix-hmac"] = signature(sandbox.credentials.event_secret, content)
    return httpx.post(f"{sandbox.url}/e/{sandbox.credentials.event_source}", content=content, headers=headers)


def token(sandbox: Sandbox, scope: str = "orchestration-engine") -> str:
    ours = sandbox.credentials
    form = {"grant_type": "client_credentials", "scope": scope}
    auth = (ours.emporix_client_id, ours.emporix_client_secret)
    return str(httpx.post(f"{sandbox.url}/oauth2/token", data=form, auth=auth).json()["access_token"])


def celonis(sandbox: Sandbox, place: str, payload: Any, **attributes: str) -> httpx.Response:
    headers = {**EVENT, "Authorization": f"Bearer {token(sandbox)}", **{f"ce-{k}": v for k, v in attributes.items()}}
    return httpx.post(
        f"{sandbox.url}/oe/api/packages/{sandbox.credentials.package_key}/{place}", json=payload, headers=headers
    )


@pytest.mark.parametrize("engine", ["emporix", "celonis"])
def test_a_process_starts_waits_goes_on_and_posts_its_signed_event(
    engines: Sandbox, receiver: LoopbackServer, engine: str
) -> None:
    if engine == "emporix":
        assert emporix(engines, {"orderId": "1"}).status_code == 200
    else:
        assert celonis(engines, "signals", {"orderId": "1"}).status_code == 200
    (process,) = engines.processes
    assert process.document["status"] == "running"
    assert receiver.received == []

    resumed = {"type": "order.packed", "instanceid": process.instance_id, "id": "e-2"}
    if engine == "emporix":
        assert emporix(engines, {"box": 7}, **resumed).status_code == 200
    else:
        assert celonis(engines, "messages", {"box": 7}, **resumed).status_code == 200
    (delivery,) = until(lambda: engines.deliveries or None, 20, "nothing was delivered")

    (received,) = receiver.received
    assert received.target == "/cloudfn/events/engine"
    assert received.headers["x-emporix-hmac"] == signature(engines.credentials.event_secret, received.body)
    assert received.headers["ce-type"] == "process.finished"
    assert received.headers["ce-instanceid"] == process.instance_id
    assert received.json() == {
        "instanceId": process.instance_id,
        "externalId": "e-1",
        "context": {"order.paid": {"orderId": "1"}, "order.packed": {"box": 7}},
    }
    assert (delivery.attempts, delivery.status) == (1, 200)
    assert engines.processes[0].document["status"] == "finished"


def test_a_finished_process_takes_no_further_event(engines: Sandbox) -> None:
    emporix(engines, {})
    instance_id = engines.processes[0].instance_id
    assert emporix(engines, {}, instanceid=instance_id).status_code == 200
    assert emporix(engines, {}, instanceid=instance_id).status_code == 404


def test_a_receiver_that_is_away_is_tried_again_with_the_same_event(engines: Sandbox, receiver: LoopbackServer) -> None:
    receiver.answers = [Answer.of(503, {}), Answer.of(202, {})]
    emporix(engines, {})

    emporix(engines, {}, instanceid=engines.processes[0].instance_id)

    (delivery,) = until(lambda: engines.deliveries or None, 20, "nothing was delivered")
    assert (delivery.attempts, delivery.status) == (2, 202)
    assert {one.headers["ce-id"] for one in receiver.received} == {delivery.event_id}


def test_without_a_callback_processes_wait_for_ever(sandbox: Sandbox) -> None:
    emporix(sandbox, {})
    instance_id = sandbox.processes[0].instance_id

    assert emporix(sandbox, {}, instanceid=instance_id).status_code == 200
    assert emporix(sandbox, {}, instanceid=instance_id).status_code == 200
    assert sandbox.processes[0].document["status"] == "running"


def test_the_context_is_shown_to_whoever_has_a_token(engines: Sandbox) -> None:
    emporix(engines, {"orderId": "1"})
    url = f"{engines.url}/oe/contexts/{engines.processes[0].instance_id}"

    answer = httpx.get(url, headers={"Authorization": f"Bearer {token(engines)}"})
    assert answer.json() == engines.processes[0].document
    assert httpx.get(url).status_code == 401
    assert httpx.get(url, headers={"Authorization": "Bearer wrong"}).status_code == 401
    unknown = f"{engines.url}/oe/contexts/unknown"
    assert httpx.get(unknown, headers={"Authorization": f"Bearer {token(engines)}"}).status_code == 404


@pytest.mark.parametrize(
    ("place", "attributes", "status"),
    [("messages", {}, 400), ("signals", {"instanceid": "i"}, 400), ("messages", {"instanceid": "unknown"}, 404)],
)
def test_the_celonis_engine_refuses_what_its_documents_do(
    engines: Sandbox, place: str, attributes: dict[str, str], status: int
) -> None:
    assert celonis(engines, place, {}, **attributes).status_code == status


def test_the_celonis_engine_wants_its_own_scope(engines: Sandbox) -> None:
    ours = engines.credentials
    form = {"grant_type": "client_credentials"}
    shop = httpx.post(f"{engines.url}/oauth2/token", data=form, auth=(ours.client_id, ours.client_secret)).json()
    headers = {**EVENT, "Authorization": f"Bearer {shop['access_token']}"}

    answer = httpx.post(f"{engines.url}/oe/api/packages/{ours.package_key}/signals", json={}, headers=headers)

    assert answer.status_code == 401
