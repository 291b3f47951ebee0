"""A signed webhook that starts a Dag, on a real API server."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import httpx
import pytest

pytestmark = [pytest.mark.system, pytest.mark.timeout(1800)]

SECRET = "a-secret-that-both-know"


def send(world: Any, event_id: str, total: float, secret: str = SECRET) -> httpx.Response:
    event = {
        "specversion": "1.0",
        "source": "/shop",
        "id": event_id,
        "type": "system.webhook",
        "data": {"total": total},
    }
    body = json.dumps(event).encode()
    headers = {
        "Content-Type": "application/cloudevents+json",
        "X-Hub-Signature-256": f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}",
    }
    return httpx.post(
        f"{world.url}/cloudfn/events/webhooks", content=body, headers=headers, trust_env=False, timeout=60
    )


@pytest.fixture(scope="module")
def webhooks(world: Any) -> None:
    extra = json.dumps({"scheme": "github"})
    fields = {"connection_id": "webhooks", "conn_type": "cloudfn_event_source", "password": SECRET, "extra": extra}
    world.api.create("connections", json=fields)


@pytest.mark.one_run_per_event
def test_each_signed_webhook_starts_a_run_with_its_own_payload_and_once(world: Any, webhooks: None) -> None:
    totals = [10.5, 20.5, 30.5]

    answers = [send(world, f"evt_{number}", total) for number, total in enumerate(totals)]
    again = send(world, "evt_0", 10.5)

    assert [answer.status_code for answer in answers] == [202, 202, 202], world.log.read_text(errors="replace")[-3000:]
    assert (again.status_code, again.json()["events"][0]["id"]) == (200, answers[0].json()["events"][0]["id"])
    world.until(
        lambda: True if len(world.started("paid")) >= len(totals) else None, "not every event has started a run"
    )
    started = sorted(world.started("paid"), key=lambda payload: payload["sender"])
    assert started == [{"order": {"total": total}, "sender": f"evt_{number}"} for number, total in enumerate(totals)]
    assert len(world.runs("consume_webhook")) == len(totals)


def test_a_stranger_is_refused_and_needs_no_session_to_be_told_so(world: Any, webhooks: None) -> None:
    assert send(world, "evt_9", 1.0, secret="another one").status_code == 401
    assert httpx.post(f"{world.url}/cloudfn/events/unnamed", trust_env=False, timeout=60).status_code == 404
