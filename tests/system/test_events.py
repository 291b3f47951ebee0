"""Completion events and the runs that they start, by a real scheduler."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.system, pytest.mark.timeout(1800)]


def test_every_event_has_a_run_of_its_own_with_its_own_payload(world: Any) -> None:
    plain = [world.trigger("produce_plain", label=f"plain-{number}") for number in range(24)]
    mapped = [world.trigger("produce_mapped", label=f"mapped-{number}") for number in range(6)]
    expected = sorted(
        [f"plain-{number}" for number in range(24)] + [f"mapped-{number}-{end}" for number in range(6) for end in "ab"]
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


def test_many_events_are_one_run_that_serves_them_all(world: Any) -> None:
    """
    Airflow makes no run of events that come while the consumer is paused; the first one after that brings them all.
    """
    world.pause("consume_merged", paused=True)
    waiting = [world.trigger("produce_merged", label=f"paused-{number}") for number in range(5)]
    assert set(world.finish("produce_merged", waiting)) == {"success"}
    assert world.runs("consume_merged") == []
    world.pause("consume_merged", paused=False)

    last = world.trigger("produce_merged", label="last")
    assert world.finish("produce_merged", [last]) == ["success"]
    (run,) = world.until(lambda: world.runs("consume_merged") or None, "the events have started no run")
    assert world.finish("consume_merged", [run["dag_run_id"]]) == ["success"]

    records = world.started("reported")
    assert sorted(record["result"] for record in records) == ["last", *[f"paused-{number}" for number in range(5)]]
    assert {record["metadata"]["type"] for record in records} == {"system.reported"}
    assert world.started("counted") == [{"events": 6}]


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
