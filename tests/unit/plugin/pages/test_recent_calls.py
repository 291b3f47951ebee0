"""What calls come to."""

from __future__ import annotations

import datetime as dt

import pytest

from airflow_provider_cloudfn.plugin.pages.recent_calls import Call, Measured

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def call(seconds: float = 1.0, outcome: str = "success", **given: object) -> Call:
    return Call(run_id="r", map_index=-1, outcome=outcome, started_at=NOW, seconds=seconds, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seconds", "median", "p95"),
    [
        ([], None, None),
        ([3.0], 3.0, 3.0),
        ([4.0, 1.0, 2.0, 3.0], 2.0, 4.0),
        (list(map(float, range(1, 101))), 50.0, 95.0),
    ],
)
def test_a_share_of_the_calls_is_done_within(seconds: list[float], median: float | None, p95: float | None) -> None:
    measured = Measured(tuple(map(call, seconds)))

    assert (measured.median, measured.p95) == (median, p95)


@pytest.mark.parametrize(
    ("outcomes", "rate"),
    [
        ([], None),
        (["waiting", "skipped"], None),
        (["success"], 1.0),
        (["failed", "success", "success", "success", "waiting"], 0.75),
        (["failed"], 0.0),
    ],
)
def test_the_success_rate_is_of_those_that_are_done(outcomes: list[str], rate: float | None) -> None:
    assert Measured(tuple(call(outcome=one) for one in outcomes)).success_rate == rate


@pytest.mark.parametrize(
    ("outcome", "items", "rate"),
    [
        ("failed", (97, 3), 0.97),
        ("success", (97, 3), 0.97),
        ("waiting", (50, 0), 1.0),
        ("success", (0, 0), 1.0),
        # Something else than an item has failed.
        ("failed", (100, 0), 0.0),
    ],
)
def test_of_a_batch_the_items_count(outcome: str, items: tuple[int, int], rate: float) -> None:
    assert Measured((call(outcome=outcome, items=items),)).success_rate == rate


def test_the_newest_failure_is_told() -> None:
    calls = (call(), call(outcome="failed", error="newer"), call(outcome="failed", error="older"))

    assert Measured(calls).last_failure is calls[1]


def test_a_batch_counts_as_its_calls() -> None:
    assert Measured((call(calls=250), call())).count == 251


def test_a_step_that_sent_nothing_is_no_call() -> None:
    measured = Measured((call(seconds=9.0, calls=0), call(seconds=1.0)))

    assert (measured.count, measured.median, measured.p95) == (1, 1.0, 1.0)
