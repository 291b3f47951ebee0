"""A place among the events of an asset: none that comes after it is missed, and none counts twice."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any, Self

import pytest
from airflow.sdk import Asset
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cloudfn.events.place import LATE, Arrivals, Place, place_now
from airflow_provider_cloudfn.exceptions import ConfigurationError

BEGUN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
ASSET = Asset("order.shipped")


class Asked:
    """Answers as Airflow does: of the events that are in its database."""

    def __init__(self, events: list[Any]) -> None:
        self._events = events
        self._after, self._newest_first, self._limit = BEGUN, False, 0

    def after(self, moment: str) -> Self:
        self._after = dt.datetime.fromisoformat(moment)
        return self

    def ascending(self, ascending: bool = True) -> Self:
        self._newest_first = not ascending
        return self

    def limit(self, limit: int) -> Self:
        self._limit = limit
        return self

    def __iter__(self) -> Any:
        found = sorted((one for one in self._events if one.timestamp >= self._after), key=lambda one: one.timestamp)
        return iter((found[::-1] if self._newest_first else found)[: self._limit])


class Inlets(dict[Any, Any]):
    def __init__(self, events: list[Any]) -> None:
        self._events = events

    def __getitem__(self, asset: Any) -> Asked:
        if asset != ASSET:
            raise KeyError(asset)
        return Asked(self._events)


def event(number: int, seconds: float) -> Any:
    asset = SimpleNamespace(name="order.shipped", uri="order.shipped")
    source = dict.fromkeys(("source_dag_id", "source_run_id", "source_task_id", "source_map_index"))
    moment = BEGUN + dt.timedelta(seconds=seconds)
    return SimpleNamespace(id=number, timestamp=moment, asset=asset, extra={"n": number}, **source)


def context(events: list[Any]) -> Any:
    return {"inlet_events": Inlets(events), "dag_run": SimpleNamespace(start_date=BEGUN, run_after=BEGUN)}


def arrived(events: list[Any], place: Place) -> tuple[list[int], Place]:
    arrivals = Arrivals(context(events), ASSET, place)
    return [record["result"]["n"] for record in arrivals.records()], arrivals.place


#: Events in the order in which they come into the database, each up to `LATE` older than one before it.
COMING = st.lists(st.tuples(st.floats(0, 5), st.floats(0, LATE.total_seconds() - 1), st.integers(1, 3)), max_size=30)


@given(COMING, COMING)
def test_each_event_that_comes_after_the_place_counts_once(before: Any, after: Any) -> None:
    clock, number = 0.0, 0
    database: list[Any] = []

    def come(steps: Any) -> None:
        nonlocal clock, number
        for passes, late, count in steps:
            clock += passes
            for _ in range(count):
                number += 1
                database.append(event(number, max(0.0, clock - late)))

    come(before)
    last, place = number, place_now(context(database), ASSET)
    found: list[int] = []
    for step in after:
        come([step])
        new, place = arrived(database, place)
        found += new

    assert sorted(found) == list(range(last + 1, number + 1))


def test_without_any_event_all_since_the_run_began_count() -> None:
    assert place_now(context([]), ASSET) == Place(BEGUN)


def test_many_events_of_one_moment_are_all_found() -> None:
    found, _ = arrived([event(number, 1) for number in range(450)], Place(BEGUN))

    assert sorted(found) == list(range(450))


def test_so_many_events_before_the_place_that_not_all_are_known_do_not_count() -> None:
    old = [event(number, number / 1000) for number in range(2_000)]
    place = place_now(context(old), ASSET)

    assert arrived([*old, event(9_999, 3)], place)[0] == [9_999]


@pytest.mark.parametrize(
    ("asset", "message"),
    [("order.shipped", "must be a CompletionEvent or an Asset"), (Asset("other"), "not among the inlets")],
)
def test_what_may_not_be_asked_for_is_refused(asset: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        place_now(context([]), asset)
