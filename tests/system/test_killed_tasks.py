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


@pytest.fixture
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
    assert {name: (state, counting.counts().get(name, 0)) for name, state in ends.items()} == EXPECTED
    said = "\n".join(line for one in instances if one["task_id"] == "answered" for line in world.api.log_lines(one))
    assert "and nothing is sent" in said

    world.clear("killed", run_id)
    assert world.finish("killed", [run_id]) == ["success"]

    assert counting.counts() == {name: count + (name != "key") for name, (_, count) in EXPECTED.items()}
