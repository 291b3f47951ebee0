"""What must hold where nothing is shared but PostgreSQL and Redis, and where parts of Airflow die in the middle."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from kit.counting import Counting
from kit.server import Answer, LoopbackServer

from airflow_provider_cloudfn.cli.demo.order_to_cash import run_order_to_cash

if TYPE_CHECKING:
    from kit.server import Received

pytestmark = [pytest.mark.distributed, pytest.mark.timeout(900)]


def test_order_to_cash_ends_with_one_charge_and_one_process(world: Any) -> None:
    outcome = run_order_to_cash(world.cluster.api, world.sandbox, "1001")

    assert outcome.faults() == []


def test_a_hundred_tasks_on_two_workers_ask_for_one_token(world: Any) -> None:
    world.sandbox.expire_tokens()
    before = len(_token_requests(world))

    run_id = world.cluster.trigger("report_hundred")
    assert world.cluster.finish("report_hundred", [run_id]) == ["success"]

    assert sorted(world.reports("hundred-")) == sorted(f"hundred-{number}" for number in range(100))
    # All know the one that has just expired, and of the next one too there is but one.
    assert len(_token_requests(world)) - before == 1
    hosts = {
        row[0]
        for row in world.cluster.query("select distinct hostname from task_instance where dag_id = 'report_hundred'")
    }
    assert hosts


def test_a_hundred_single_events_have_a_hundred_runs_though_both_schedulers_die(world: Any) -> None:
    labels = [f"event-{number}" for number in range(100)]
    before = len(world.cluster.runs("consume_single"))

    run_ids = [world.cluster.trigger("produce_plain", label=label) for label in labels]
    world.cluster.kill("scheduler-1")
    world.cluster.until(lambda: True if len(world.reports("event-")) >= 50 else None, "the producers do not go on")
    world.cluster.kill("scheduler-2")

    assert set(world.cluster.finish("produce_plain", run_ids)) == {"success"}
    runs = world.cluster.until(
        lambda: runs if len(runs := world.cluster.runs("consume_single")) >= before + 100 else None,
        "not every event has a run",
    )
    assert set(world.cluster.finish("consume_single", [run["dag_run_id"] for run in runs])) == {"success"}
    payloads = [
        process.events[0].payload
        for process in world.sandbox.processes
        if process.events[0].type == "scored" and str(process.events[0].payload["label"]).startswith("event-")
    ]
    assert sorted(payload["label"] for payload in payloads) == sorted(labels)
    assert {payload["events"] for payload in payloads} == {1}


@pytest.mark.parametrize(
    "parts", [("api-1", "api-2"), ("postgres",)], ids=["the API servers are killed", "the database is stopped"]
)
def test_a_short_outage_repeats_no_call_that_was_answered(world: Any, parts: tuple[str, ...]) -> None:
    label = f"outage-{parts[0]}-"
    labels = [f"{label}{number}" for number in range(40)]
    run_ids = [world.cluster.trigger("report_through_outage", label=one) for one in labels]
    world.cluster.until(lambda: True if len(world.reports(label)) >= 4 else None, "no report arrives")

    with world.cluster.away(*parts):
        # As long as the outages that were seen in the field; nothing here can tell when it is enough.
        time.sleep(20)

    world.cluster.until(
        lambda: True if world.cluster.finish("report_through_outage", run_ids[:1]) else None, "Airflow is not back"
    )
    assert set(world.cluster.finish("report_through_outage", run_ids)) == {"success"}
    assert sorted(world.reports(label)) == sorted(labels)


def test_a_deferred_sensor_outlives_its_triggerer(world: Any) -> None:
    run_id = world.cluster.trigger("wait_for_charge", charge="not-yet")
    world.cluster.until(lambda: True if _asked_for("not-yet", world) >= 2 else None, "the sensor does not ask")

    world.cluster.kill("triggerer")
    asked = _asked_for("not-yet", world)
    world.cluster.until(lambda: True if _asked_for("not-yet", world) >= asked + 2 else None, "nobody asks any more")

    (row,) = world.cluster.query(f"select state, try_number from task_instance where run_id = '{run_id}'")
    assert row == ["deferred", "1"]


def test_a_batch_that_is_killed_goes_on_and_hands_much_on_to_another_worker(world: Any) -> None:
    with Counting(spared=lambda name: name != "batch-i17").running(world.cluster.api) as counting:
        run_id = world.cluster.trigger("batch_killed")
        assert world.cluster.finish("batch_killed", [run_id]) == ["success"]

    assert counting.counts() == {f"batch-i{number:02d}": 1 for number in range(40)}
    assert world.reports("stored-") == ["stored-40"]
    told = "select try_number, length(value::text) from task_instance join xcom using (dag_id, run_id, task_id)"
    (row,) = world.cluster.query(f"{told} where run_id = '{run_id}' and task_id = 'many' and key = 'return_value'")
    assert row[0] == "2"
    assert int(row[1]) < 1000


def test_a_fast_clock_makes_no_wait_shorter_or_longer(world: Any) -> None:
    came: list[float] = []

    def busy(request: Received) -> Answer:
        came.append(time.monotonic())
        if len(came) > 1:
            return Answer.of(200, {})
        now = time.time()
        return Answer.of(
            503, {}, {"Date": formatdate(now, usegmt=True), "Retry-After": formatdate(now + 4, usegmt=True)}
        )

    with LoopbackServer(reply=busy) as server, world.cluster.early_worker():
        world.cluster.api.create(
            "connections", json={"connection_id": "busy", "conn_type": "cloudfn", "host": server.url}
        )
        runs = {
            dag_id: world.cluster.trigger(dag_id, **conf)
            for dag_id, conf in (("wait_on_a_fast_clock", {"charge": "never"}), ("call_on_a_fast_clock", {}))
        }
        assert world.cluster.finish("call_on_a_fast_clock", [runs["call_on_a_fast_clock"]]) == ["success"]
        assert world.cluster.finish("wait_on_a_fast_clock", [runs["wait_on_a_fast_clock"]]) == ["failed"]

    assert 3 <= came[1] - came[0] <= 30
    assert _asked_for("never", world) >= 10
    # It goes to the triggerer once, and comes back once: when its time is over.
    assert world.cluster.task_logs("wait_on_a_fast_clock").count("Pausing task as DEFERRED") == 1


def test_no_secret_is_in_the_database_in_redis_or_in_a_log(world: Any) -> None:
    import redis

    secrets = {form for secret in world.sandbox.secrets() for form in (secret, quote(secret, safe=""))}
    assert len(secrets) >= 5
    client = redis.Redis.from_url(world.cluster.redis_url)
    held = "\n".join(str(client.dump(name)) for base in (0, 1) for name in _keys(client, base))

    for place in (world.cluster.dump(), held, world.cluster.logs()):
        assert len(place) > 100
        assert [secret for secret in secrets if secret in place] == []


def _keys(client: Any, base: int) -> list[bytes]:
    client.select(base)
    return list(client.keys("*"))


def _token_requests(world: Any) -> list[Any]:
    return [request for request in world.sandbox.requests if request.path in ("/oauth2/token", "/oauth2/refresh")]


def _asked_for(charge: str, world: Any) -> int:
    return sum(1 for request in world.sandbox.requests if request.path.endswith(f"/v1/charges/{charge}"))
