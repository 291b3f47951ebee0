"""Which tasks of a Dag run before which, for all of them at once."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Ancestry"]


class Ancestry:
    """
    What runs before each task of a Dag, however far.

    To walk the Dag anew for each of thousands of tasks would take the square of their number.

    :param tasks: The Dag's tasks, by id. Their arrows are read when something is first asked for; of one that is added later
        it must be told.
    """

    def __init__(self, tasks: Mapping[str, Any]) -> None:
        self._tasks = tasks

    def is_before(self, first: object, last: str) -> bool:
        """Tell whether a task runs before another one."""
        place = self._places.get(first)
        return place is not None and bool(self._before[last] >> place & 1)

    def all_before(self, last: str) -> Iterator[str]:
        """Yield the ids of all tasks that run before one."""
        before = self._before[last]
        return (task_id for task_id, place in self._places.items() if before >> place & 1)

    def add(self, first: str, last: str) -> None:
        """Take in an arrow that was added."""
        more = self._before[first] | 1 << self._places[first]
        ahead = [last]
        for task_id in ahead:
            if self._before[task_id] | more != self._before[task_id]:
                self._before[task_id] |= more
                ahead.extend(self._tasks[task_id].downstream_task_ids & self._before.keys())

    @cached_property
    def _places(self) -> dict[Any, int]:
        return {task_id: place for place, task_id in enumerate(self._tasks)}

    @cached_property
    def _before(self) -> dict[str, int]:
        """For each task a number whose bits are the places of those that run before it."""
        before = dict.fromkeys(self._tasks, 0)
        waits_for = {task_id: len(task.upstream_task_ids & before.keys()) for task_id, task in self._tasks.items()}
        ready = [task_id for task_id, count in waits_for.items() if not count]
        # A task comes when all before it have come. What stands in a circle never does, and Airflow refuses that.
        for task_id in ready:
            known = before[task_id] | 1 << self._places[task_id]
            for following in self._tasks[task_id].downstream_task_ids & before.keys():
                before[following] |= known
                waits_for[following] -= 1
                if not waits_for[following]:
                    ready.append(following)
        return before
