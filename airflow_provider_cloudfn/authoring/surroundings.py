"""A task's place in its Dag: what runs before it and after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Container, Mapping
    from collections.abc import Set as AbstractSet

__all__ = ["Surroundings", "way_along"]


class Surroundings(Struct, frozen=True):
    """
    What is around a task in its Dag.

    :param task_id: The task.
    :param upstream: The ids of all tasks that run before it, however far.
    :param tasks: The ids of all tasks of the Dag.
    :param groups: The mapped task groups that a task is in, from the inside out; none for one that is missing here.
    :param mapped: The ids of those tasks that are mapped.
    :param way_to: Returns the way from the task to one that runs after it, both included; empty where there is none.
    :param events: Returns the names of the events that steps before it declare, and of those that start its Dag.
    """

    task_id: str
    upstream: Collection[str]
    tasks: AbstractSet[str]
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    mapped: Container[str] = ()
    way_to: Callable[[str], tuple[str, ...]] = lambda _: ()
    events: Callable[[], AbstractSet[str]] = frozenset


def way_along(tasks: Mapping[str, Any], first: str, last: str) -> tuple[str, ...]:
    """Return a shortest way from one task along the arrows to another."""
    ways: dict[str, tuple[str, ...]] = {first: (first,)}
    ahead = [first]
    for task_id in ahead:
        if task_id == last:
            return ways[last]
        for following in sorted(tasks[task_id].downstream_task_ids):
            if following not in ways and following in tasks:
                ways[following] = (*ways[task_id], following)
                ahead.append(following)
    return ()
