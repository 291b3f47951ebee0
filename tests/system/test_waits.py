"""Waits under a real Airflow: the triggerer asks its API server, and a process elsewhere calls back."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import airflow.sdk
import pytest
from airflow.triggers.base import BaseEventTrigger, BaseTrigger
from kit.server import Answer, LoopbackServer, Received

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.system, pytest.mark.timeout(1800)]

#: What calls back: another process, which knows nothing of Airflow.
CALL_BACK = """
import json, sys, urllib.error, urllib.request
url, state = sys.argv[1:]
request = urllib.request.Request(url, json.dumps({"state": state}).encode(), {"Content-Type": "application/json"})
try:
    print(urllib.request.urlopen(request, timeout=60).status)
except urllib.error.HTTPError as error:
    print(error.code)
"""


class Orders:
    """A service that takes orders and jobs."""

    def __init__(self) -> None:
        self.received: list[Received] = []

    def reply(self, request: Received) -> Answer:
        self.received.append(request)
        order = json.loads(request.body or "null")
        return Answer.of(202, {"order": order if isinstance(order, str) else None})

    def asked(self, path: str) -> list[Received]:
        return [one for one in self.received if one.target == path]


@pytest.fixture(scope="module")
def orders(world: Any) -> Iterator[Orders]:
    made = Orders()
    with LoopbackServer(reply=made.reply) as server:
        extra = json.dumps({"auth_type": "none"})
        fields = {"connection_id": "waiting", "conn_type": "cloudfn", "host": server.url, "extra": extra}
        world.api.create("connections", json=fields)
        yield made


def call_back(url: str, state: str) -> int:
    done = subprocess.run([sys.executable, "-c", CALL_BACK, url, state], capture_output=True, text=True, check=True)
    return int(done.stdout)


def states(world: Any, dag_id: str, run_id: str) -> dict[str, Any]:
    return {one["task_id"]: one["state"] for one in world.api.task_instances(dag_id, run_id)}


def are_deferred(world: Any, dag_id: str, run_id: str) -> bool | None:
    return set(states(world, dag_id, run_id).values()) == {"deferred"} or None


def test_two_deferred_waits_go_on_with_their_own_event(world: Any, orders: Orders) -> None:
    run_id = world.trigger("wait_event", order="1001")
    world.until(partial(are_deferred, world, "wait_event", run_id), "the steps do not wait")

    others = [world.trigger("wait_ship", order=order) for order in ("other", "1001")]

    assert world.finish("wait_ship", others) == ["success", "success"]
    assert world.finish("wait_event", [run_id]) == ["success"]
    came = {
        one["task_id"]: world.api.xcom(one, "return_value") for one in world.api.task_instances("wait_event", run_id)
    }
    assert came == {"order": {"order": "1001"}, "sense": {"order": "1001"}}
    assert len(orders.asked("/orders")) == 1


@pytest.mark.skipif(not hasattr(BaseTrigger, "on_kill"), reason="this Airflow tells no trigger that its task was ended")
def test_a_job_is_cancelled_when_a_person_ends_the_task_that_waits_for_it(world: Any, orders: Orders) -> None:
    run_id = world.trigger("wait_job")
    # A trigger that has not begun is not told of anything.
    world.until(lambda: orders.asked("/long/7") or None, "the triggerer does not ask")

    world.api.patch("dags", "wait_job", "dagRuns", run_id, "taskInstances", "job", json={"new_state": "failed"})

    world.until(lambda: "DELETE" in [one.method for one in orders.asked("/long/7")] or None, "no cancel came")
    assert [one.method for one in orders.asked("/long")] == ["POST"]


@pytest.mark.skipif(not hasattr(airflow.sdk, "NEVER_EXPIRE"), reason="this Airflow keeps no task state")
def test_a_process_elsewhere_calls_back_once(world: Any, orders: Orders) -> None:
    run_id = world.trigger("wait_callback")
    world.until(partial(are_deferred, world, "wait_callback", run_id), "the step does not wait")
    (request,) = orders.asked("/jobs")
    url = json.loads(request.body)["notify"]

    answered = [call_back(url + "x", "forged"), call_back(url, "done"), call_back(url, "again")]

    assert answered == [401, 202, 409]
    assert world.finish("wait_callback", [run_id]) == ["success"]
    (instance,) = world.api.task_instances("wait_callback", run_id)
    assert world.api.xcom(instance, "return_value") == {"state": "done"}
    assert not [line for line in world.api.log_lines(instance) if url.rpartition("/")[2] in line]


@pytest.mark.skipif(
    not hasattr(BaseEventTrigger, "create_shared_stream_producer"), reason="this Airflow keeps no state of assets"
)
def test_what_is_new_at_a_service_starts_a_dag(world: Any) -> None:
    # Its watcher has asked once before, so that what comes now is new.
    world.until(lambda: asked(world).count("GET /v1/charges") >= 2 or None, "the watcher does not ask")
    run_id = world.trigger("wait_charge")
    assert world.finish("wait_charge", [run_id]) == ["success"]

    world.until(lambda: world.started("watched") or None, "no Dag was started")

    assert world.started("watched") == [[{"type": "system.watched", "customer": "c-watched"}]]


def asked(world: Any) -> list[str]:
    # The shop is behind several doors, each with a path of its own.
    return [f"{one.method} /{one.path.split('/', 2)[2]}" for one in world.sandbox.requests if one.path.count("/") > 1]
