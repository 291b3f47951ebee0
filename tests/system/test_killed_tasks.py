"""Tasks whose processes are killed under a real Airflow: how often the service did what it was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import airflow.sdk
import pytest
from kit.counting import Counting

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not hasattr(airflow.sdk, "NEVER_EXPIRE"), reason="this Airflow keeps no task state"),
]

#: How a step ends, and how often the service did it.
EXPECTED = {
    "fail": ("failed", 1),
    "resend": ("success", 2),
    "confirm": ("success", 1),
    "key": ("success", 1),
    "answered": ("success", 1),
    "mapped-0": ("failed", 1),
    "mapped-1": ("failed", 1),
}


@pytest.fixture(scope="module")
def counting(world: Any) -> Iterator[Counting]:
    with Counting().running(world.api) as made:
        yield made


def test_a_killed_task_does_nothing_twice_unknowingly_and_clear_does_it_again(world: Any, counting: Counting) -> None:
    run_id = world.trigger("killed")
    assert world.finish("killed", [run_id]) == ["failed"]

    instances = world.api.task_instances("killed", run_id)
    ends = {
        one["task_id"] if one["map_index"] < 0 else f"{one['task_id']}-{one['map_index']}": one["state"]
        for one in instances
    }
    counts = counting.counts()
    assert {name: (state, counts.get(name, 0)) for name, state in ends.items()} == EXPECTED
    said = "\n".join(line for one in instances if one["task_id"] == "answered" for line in world.api.log_lines(one))
    assert "and nothing is sent" in said

    world.clear("killed", run_id)
    assert world.finish("killed", [run_id]) == ["success"]

    counts = counting.counts()
    assert {name: counts[name] for name in EXPECTED} == {
        name: count + (name != "key") for name, (_, count) in EXPECTED.items()
    }


def _retries(world: Any, dag_id: str) -> Any:
    (task,) = world.api.get("dags", dag_id, "tasks")["tasks"]
    return task["retries"]


def test_a_step_that_is_cleared_with_fewer_retries_than_it_had_is_done_again(world: Any, counting: Counting) -> None:
    """Airflow's ``max_tries`` is the same before and after then."""
    run_id = world.trigger("retried")
    assert world.finish("retried", [run_id]) == ["success"]
    (before,) = world.api.task_instances("retried", run_id)

    (world.dags / "fewer_retries.txt").touch()
    world.until(lambda: _retries(world, "retried") == 1 or None, "the Dag is as it was")
    world.clear("retried", run_id, run_on_latest_version=True)
    assert world.finish("retried", [run_id]) == ["success"]

    (after,) = world.api.task_instances("retried", run_id)
    assert (after["try_number"], after["max_tries"]) == (2, before["max_tries"])
    assert counting.counts()["edited"] == 2
