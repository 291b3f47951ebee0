"""Where the parts of pictures go."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cloudfn.client.time_split import TimeSplit
from airflow_provider_cloudfn.plugin.pages.charts import bars_of_buckets, bars_over_time, waterfall
from airflow_provider_cloudfn.plugin.pages.recent_calls import Call
from airflow_provider_cloudfn.records.call_record import AttemptRecord, Bucket

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
#: Rounding to hundredths of a pixel, on each of a hundred bars.
NEARLY = 1.0

seconds = st.floats(0, 1e5, allow_nan=False)
calls = st.builds(
    Call,
    run_id=st.just("r"),
    map_index=st.just(-1),
    outcome=st.just("success"),
    started_at=st.just(NOW),
    seconds=seconds,
)
splits = st.builds(TimeSplit, credentials=seconds, name=seconds, first_byte=seconds)
attempts = st.builds(
    AttemptRecord,
    number=st.just(1),
    started_at=st.just(NOW),
    seconds=seconds,
    rate_limit=seconds,
    next_in=st.none() | seconds,
    split=splits,
)


@given(st.lists(calls, max_size=100))
def test_every_call_has_a_bar_inside_the_picture(some: list[Call]) -> None:
    bars = bars_over_time(some, width=132, height=28)

    assert len(bars) == len(some)
    for bar in bars:
        assert bar.x >= -NEARLY
        assert bar.x + bar.width <= 132 + NEARLY
        assert bar.width > 0
        assert bar.y >= -NEARLY
        assert bar.y + bar.height <= 28 + NEARLY


@given(st.lists(attempts, max_size=8))
def test_the_parts_of_a_waterfall_follow_one_another_and_stay_inside(some: list[AttemptRecord]) -> None:
    rows = waterfall(some)

    assert [row.attempt for row in rows] == some
    phases = [phase for row in rows for phase in row.phases]
    for before, after in pairwise(phases):
        assert after.x >= before.x + before.width - 0.01
    assert all(phase.x + phase.width <= 100 + 0.01 for phase in phases)


def test_an_attempt_is_told_by_its_parts_and_what_they_do_not_say() -> None:
    split = TimeSplit(credentials=0.02, name=0.00001, first_byte=0.05)
    attempt = AttemptRecord(number=1, started_at=NOW, seconds=0.1, rate_limit=0.5, next_in=1.0, split=split)

    (row,) = waterfall([attempt])

    told = [(phase.kind, round(phase.seconds, 2)) for phase in row.phases]
    assert told == [("rate_limit", 0.5), ("credentials", 0.02), ("first_byte", 0.05), ("other", 0.03), ("wait", 1.0)]


def test_the_fullest_bucket_is_as_high_as_the_picture() -> None:
    bars = bars_of_buckets([Bucket(below=0.1, count=5), Bucket(count=10)], width=560, height=96)

    assert [(bar.label, bar.height, bar.y) for bar in bars] == [("5", 48, 48), ("10", 96, 0)]


@pytest.mark.parametrize(
    ("count", "label"),
    [
        (0, "0"),
        (9_999, "9,999"),
        (10_000, "10k"),
        (12_345, "12.3k"),
        (999_999, "1000k"),
        (2_197_000, "2.2M"),
        (12_345_678, "12.3M"),
    ],
)
def test_a_bar_says_how_many_in_the_room_above_it(count: int, label: str) -> None:
    (bar,) = bars_of_buckets([Bucket(count=count)], width=560, height=96)

    assert bar.label == label


def test_nothing_is_drawn_of_nothing() -> None:
    assert bars_over_time([], width=1, height=1) == bars_of_buckets([], width=1, height=1) == waterfall([]) == []
