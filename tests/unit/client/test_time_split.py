"""The stopwatch counts each moment as one part's, and stops with its attempt."""

from __future__ import annotations

import pytest

from airflow_provider_cloudfn.client import time_split
from airflow_provider_cloudfn.client.time_split import Stopwatch, TimeSplit


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return a clock that shows what its only element says."""
    now = [100.0]
    monkeypatch.setattr(time_split.time, "monotonic", lambda: now[0])
    return now


def test_each_moment_belongs_to_the_part_that_was_turned_to(clock: list[float]) -> None:
    watch = Stopwatch()
    for part, seconds in (("credentials", 1.0), (None, 2.0), ("connect", 4.0), ("first_byte", 8.0), ("connect", 16.0)):
        watch.turn_to(part)  # type: ignore[arg-type]  # parts, all of them
        clock[0] += seconds

    assert watch.stop() == TimeSplit(credentials=1.0, connect=20.0, first_byte=8.0)


def test_what_goes_on_behind_its_end_is_not_counted(clock: list[float]) -> None:
    watch = Stopwatch()
    watch.turn_to("name")
    clock[0] += 1.0
    split = watch.stop()

    watch.turn_to("connect")
    clock[0] += 1.0

    assert watch.stop() == split == TimeSplit(name=1.0)
