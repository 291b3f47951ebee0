"""The whole round: Airflow starts a process, the process tells Airflow of its end, and what waits for that goes on."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.system, pytest.mark.one_run_per_event, pytest.mark.timeout(1800)]


def test_a_step_waits_for_the_end_of_its_process_and_a_dag_starts_by_it(world: Any) -> None:
    run_id = world.trigger("pack_order", order_id="1001")

    assert world.finish("pack_order", [run_id]) == ["success"]
    (process,) = [one for one in world.sandbox.processes if one.events[0].type == "order.placed"]
    assert process.document["status"] == "finished"
    assert [one.status for one in world.sandbox.deliveries if one.instance_id == process.instance_id] == [202]
    (run,) = world.until(lambda: world.runs("book_order") or None, "the process's event has started no run")
    assert world.finish("book_order", [run["dag_run_id"]]) == ["success"]
    booked = [one.json()["label"] for one in world.sandbox.requests if one.path.endswith("/v1/reports")]
    assert booked.count(process.instance_id) == 1
