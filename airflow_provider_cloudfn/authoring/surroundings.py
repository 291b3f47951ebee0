"""A task's place in its Dag: what runs before it and after it."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from functools import cached_property
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from airflow_provider_cloudfn.events.run_events import scheduled_names

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from airflow_provider_cloudfn.authoring.ancestry import Ancestry

__all__ = ["EventsInReach", "Surroundings", "Upstream", "way_along"]


class Surroundings(Struct, frozen=True):
    """
    What is around a task in its Dag.

    :param task_id: The task.
    :param upstream: The ids of all tasks that run before it, however far.
    :param tasks: The ids of all tasks of the Dag.
    :param groups_of: Returns the mapped task groups that a task is in, from the inside out.
    :param is_mapped: Whether a task is mapped.
    :param way_to: Returns the way from the task to one that runs after it, both included; empty where there is none.
    :param leaves_nothing: Whether a task is told to leave nothing in XCom.
    :param events: The names of the events that steps before it declare, and of those that start its Dag.
    """

    task_id: str
    upstream: Collection[str]
    tasks: AbstractSet[str]
    groups_of: Callable[[str], tuple[str, ...]] = lambda _: ()
    is_mapped: Callable[[str], bool] = lambda _: False
    leaves_nothing: Callable[[str], bool] = lambda _: False
    way_to: Callable[[str], tuple[str, ...]] = lambda _: ()
    events: AbstractSet[str] = frozenset()


class Upstream(AbstractSet[str]):
    """
    The tasks before a task. Those next to it are known; to find all others costs a walk over the Dag, done at need.

    :param ancestry: What runs before which task, where that is known for the whole Dag.
    """

    def __init__(self, task: Any, ancestry: Ancestry | None) -> None:
        self._task = task
        self._ancestry = ancestry

    @cached_property
    def _all(self) -> set[str]:
        if self._ancestry is not None:
            return set(self._ancestry.all_before(self._task.task_id))
        return set(self._task.get_flat_relative_ids(upstream=True))

    def __contains__(self, task_id: object) -> bool:
        if task_id in self._task.upstream_task_ids:
            return True
        if self._ancestry is not None:
            return self._ancestry.is_before(task_id, self._task.task_id)
        return task_id in self._all

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)


class EventsInReach(AbstractSet[str]):
    """
    The events that start a task's Dag, and those that steps before it declare; only what is asked for is looked up.

    :param upstream: The ids of all tasks that run before the task.
    :param producers: Returns which steps of the Dag declare each event.
    """

    def __init__(
        self, dag: Any, upstream: AbstractSet[str], producers: Callable[[], Mapping[str, Sequence[str]]]
    ) -> None:
        self._dag = dag
        self._upstream = upstream
        self._look_up = producers

    @cached_property
    def _scheduled(self) -> frozenset[str]:
        return scheduled_names(self._dag)

    @cached_property
    def _producers(self) -> Mapping[str, Sequence[str]]:
        return self._look_up()

    def __contains__(self, name: object) -> bool:
        if name in self._scheduled:
            return True
        steps = self._producers.get(name, ()) if isinstance(name, str) else ()
        return any(step in self._upstream for step in steps)

    def __iter__(self) -> Iterator[str]:
        return iter({*self._scheduled, *(name for name in self._producers if name in self)})

    def __len__(self) -> int:
        return sum(1 for _ in self)


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
