"""Completion events and the runs that they start, by a real scheduler."""

from __future__ import annotations

import json
from importlib import metadata
from typing import Any

import pytest

pytestmark = [pytest.mark.system, pytest.mark.timeout(1800)]

#: Up to Airflow 3.3, an event that starts a run brings those that came while the Dag was paused. From 3.4 on each event has a run
#: of its own, and those of a paused time have none (unless the Dag has ``catchup=True``).
BRINGS_THE_PAUSED = metadata.version("apache-airflow-core").startswith(("3.2.", "3.3."))


@pytest.mark.one_run_per_event
def test_every_event_has_a_run_of_its_own_with_its_own_payload(world: Any) -> None:
    plain = [world.trigger("produce_plain", label=f"plain-{number}") for number in range(12)]
    mapped = [world.trigger("produce_mapped", label=f"mapped-{number}") for number in range(4)]
    expected = sorted(
        [f"plain-{number}" for number in range(12)] + [f"mapped-{number}-{end}" for number in range(4) for end in "ab"]
    )

    assert set(world.finish("produce_plain", plain) + world.finish("produce_mapped", mapped)) == {"success"}
    world.until(
        lambda: True if len(world.started("scored")) >= len(expected) else None, "not every event has started a process"
    )

    payloads = world.started("scored")
    assert sorted(payload["label"] for payload in payloads) == expected
    assert {payload["events"] for payload in payloads} == {1}
    runs = world.runs("consume_single")
    assert len(runs) == len(expected)
    assert set(world.finish("consume_single", [run["dag_run_id"] for run in runs])) == {"success"}


@pytest.mark.one_run_per_event
def test_a_chain_of_dags_runs_to_its_end_and_has_one_effect_when_its_first_link_is_cleared(world: Any) -> None:
    later = ("chain_pay", "chain_ship", "chain_note")

    def finished(times: int) -> bool | None:
        runs = [run["state"] for dag_id in later for run in world.runs(dag_id)]
        return True if len(runs) == times * len(later) and set(runs) == {"success"} else None

    run_id = world.trigger("chain_place", label="chained")
    assert world.finish("chain_place", [run_id]) == ["success"]
    world.until(lambda: finished(1), "the chain has not come to its end")
    (charge,) = [charge for charge in world.sandbox.charges if charge["label"] == "chained"]
    assert world.started("shipped") == world.started("noted") == [{"charge": charge["id"]}]
    world.until(lambda: world.started("booked") or None, "the ordinary asset has started no run")

    world.clear("chain_place", run_id)
    assert world.finish("chain_place", [run_id]) == ["success"]
    world.until(lambda: finished(2), "the cleared chain has not come to its end")

    assert [charge["id"] for charge in world.sandbox.charges if charge["label"] == "chained"] == [charge["id"]]
    for event_type in ("shipped", "noted"):
        received = [one.events[0] for one in world.sandbox.processes if one.events[0].type == event_type]
        assert [event.payload for event in received] == [{"charge": charge["id"]}] * 2
        assert len({event.id for event in received}) == 1


def test_events_of_a_paused_time_start_no_run_of_their_own(world: Any) -> None:
    """
    Airflow makes no run of events that come while the consumer is paused; up to 3.3 the first one after that brings them all.
    """
    brought = [f"paused-{number}" for number in range(5)] if BRINGS_THE_PAUSED else []
    world.pause("consume_merged", paused=True)
    waiting = [world.trigger("produce_merged", label=f"paused-{number}") for number in range(5)]
    assert set(world.finish("produce_merged", waiting)) == {"success"}
    assert world.runs("consume_merged") == []
    world.pause("consume_merged", paused=False)

    world.happen("system.day_ended")
    (run,) = world.until(lambda: world.runs("consume_merged") or None, "the events have started no run")
    assert world.finish("consume_merged", [run["dag_run_id"]]) == ["success"]

    records = world.started("reported")
    assert sorted(record["result"] for record in records) == brought
    assert {record["metadata"]["type"] for record in records} <= {"system.reported"}
    assert world.started("counted") == [{"events": len(brought) + 1}]


def test_an_event_after_a_paused_time_starts_a_run(world: Any) -> None:
    before = {run["dag_run_id"] for run in world.runs("consume_merged")}
    world.pause("consume_merged", paused=True)
    meanwhile = world.trigger("produce_merged", label="meanwhile")
    assert world.finish("produce_merged", [meanwhile]) == ["success"]
    world.pause("consume_merged", paused=False)

    after = world.trigger("produce_merged", label="after")
    assert world.finish("produce_merged", [after]) == ["success"]
    (run,) = world.until(
        lambda: {run["dag_run_id"] for run in world.runs("consume_merged")} - before or None,
        "the events have started no run",
    )
    assert world.finish("consume_merged", [run]) == ["success"]
    brought = {record["result"] for record in world.started("reported")} & {"meanwhile", "after"}
    assert brought == ({"meanwhile", "after"} if BRINGS_THE_PAUSED else {"after"})


def test_an_event_combines_with_an_ordinary_asset(world: Any) -> None:
    """What only one of them starts, and what both must have happened for."""
    assert world.finish("produce_left", [world.trigger("produce_left", label="combined")]) == ["success"]
    (either,) = world.until(lambda: world.runs("consume_either") or None, "the event has started no run")
    assert world.finish("consume_either", [either["dag_run_id"]]) == ["success"]
    assert world.runs("consume_both") == []

    assert world.finish("produce_right", [world.trigger("produce_right")]) == ["success"]
    (both,) = world.until(lambda: world.runs("consume_both") or None, "the two have started no run")
    assert world.finish("consume_both", [both["dag_run_id"]]) == ["success"]
    # The extra of the ordinary asset is no record: it is itself the payload.
    (payload,) = world.started("both")
    assert (payload["left"], payload["right"]) == ("combined", 7)
    assert sorted(payload["types"]) == ["system.left", "system.right"]

    world.until(lambda: True if len(world.runs("consume_either")) == 2 else None, "the asset has started no run")
    assert set(world.finish("consume_either", [run["dag_run_id"] for run in world.runs("consume_either")])) == {
        "success"
    }
    assert [found["types"] for found in world.started("either")] == [["system.left"], ["system.right"]]


def test_airflows_own_triggering_asset_events_have_the_record(world: Any) -> None:
    runs = len(world.runs("consume_either"))
    run_id = world.trigger("produce_left", label="looked at")
    assert world.finish("produce_left", [run_id]) == ["success"]
    world.until(lambda: True if len(world.runs("consume_either")) > runs else None, "the event has started no run")
    run = max(world.runs("consume_either"), key=lambda one: str(one["run_after"]))
    assert world.finish("consume_either", [run["dag_run_id"]]) == ["success"]

    (produced,) = world.api.task_instances("produce_left", run_id)
    record = world.api.xcom(produced, "completion_event")
    assert record["result"] == {"label": "looked at"}
    consumed = {one["task_id"]: one for one in world.api.task_instances("consume_either", run["dag_run_id"])}
    assert world.api.xcom(consumed["look"], "return_value") == [record]
    assert json.loads(world.started("either")[-1]["jinja"]) == record


def test_the_key_and_the_record_s_id_are_the_same_on_every_try_and_after_clear(world: Any) -> None:
    run_id = world.trigger("charge_again", label="again")
    assert world.finish("charge_again", [run_id]) == ["success"]
    (first,) = world.api.task_instances("charge_again", run_id)
    before = world.api.xcom(first, "completion_event")

    world.clear("charge_again", run_id)
    assert world.finish("charge_again", [run_id]) == ["success"]
    (second,) = world.api.task_instances("charge_again", run_id)
    after = world.api.xcom(second, "completion_event")

    requests = [one for one in world.sandbox.requests if one.header("x-label") == "again"]
    assert [one.header("x-try") for one in requests] == ["1", "2", "3"]
    assert len({one.header("idempotency-key") for one in requests}) == 1
    # Airflow's tracing is off here.
    assert {one.header("traceparent") for one in requests} == {None}
    assert len([charge for charge in world.sandbox.charges if charge["label"] == "again"]) == 1
    assert after["metadata"]["id"] == before["metadata"]["id"]
    assert after["metadata"]["occurredAt"] > before["metadata"]["occurredAt"]


def test_a_step_that_fails_after_its_call_has_emitted_nothing(world: Any) -> None:
    run_id = world.trigger("fail_late")

    assert world.finish("fail_late", [run_id]) == ["success"]
    states = {one["task_id"]: one["state"] for one in world.api.task_instances("fail_late", run_id)}
    assert states == {"late": "failed", "start": "success"}
    assert world.started("late") == [{"late": None}]
    assert world.api.get("assets", "events", source_dag_id="fail_late")["asset_events"] == []


def test_a_dag_that_cannot_work_is_an_import_error_that_lists_its_problems(world: Any) -> None:
    def found() -> str | None:
        errors = world.api.get("importErrors")["import_errors"]
        return next((error["stack_trace"] for error in errors if error["filename"].endswith("broken.py")), None)

    message = world.until(found, "Airflow shows no import error")

    assert "Dag 'broken' can't run as it is written" in message
    assert "add `first >> second`" in message
    assert "did you mean 'params'" in message
    assert "Traceback" not in message


def test_rendered_templates_are_what_was_sent(world: Any) -> None:
    run_id = world.trigger("produce_plain", label="rendered")
    assert world.finish("produce_plain", [run_id]) == ["success"]

    shown = world.api.get("dags", "produce_plain", "dagRuns", run_id, "taskInstances", "score")["rendered_fields"]

    (request,) = [one for one in world.sandbox.requests if one.header("x-label") == "rendered"]
    assert request.path.endswith(shown["uri"])
    assert request.parameters == list(shown["query"].items())
    assert shown["headers"] == {"X-Label": "rendered"}
    assert request.json() == shown["body"] == {"label": "rendered"}
    world.until(lambda: True if {"label": "rendered", "events": 1} in world.started("scored") else None, "no consumer")
