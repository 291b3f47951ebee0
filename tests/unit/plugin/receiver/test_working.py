"""The receiver's threads, its paces, and when it sweeps."""

from __future__ import annotations

import asyncio
import threading

import pytest

from airflow_provider_cloudfn.client.rate_limit import Rate
from airflow_provider_cloudfn.plugin.receiver import blocking, sweeping
from airflow_provider_cloudfn.plugin.receiver.blocking import Threads
from airflow_provider_cloudfn.plugin.receiver.pace import Paces
from airflow_provider_cloudfn.plugin.receiver.sweeping import Sweeping
from airflow_provider_cloudfn.webhooks.refused import RefusedError


def test_work_is_done_in_another_thread_and_its_error_is_the_callers() -> None:
    threads = Threads("test", 1)

    def fail() -> None:
        raise LookupError("its own")

    assert asyncio.run(threads.run(threading.get_ident)) != threading.get_ident()
    with pytest.raises(LookupError, match="its own"):
        asyncio.run(threads.run(fail))


def test_a_time_out_of_the_work_itself_is_its_error() -> None:
    def fail() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        asyncio.run(Threads("test", 1).run(fail))


def test_work_that_takes_too_long_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocking, "SECONDS", 0.01)
    end = threading.Event()

    async def work() -> None:
        try:
            await Threads("test", 1).run(end.wait)
        finally:
            end.set()

    with pytest.raises(RefusedError) as error:
        asyncio.run(work())

    assert (error.value.status, error.value.reason) == (503, "too_slow")


def test_a_fault_of_what_nobody_waits_for_is_logged_without_what_it_says(caplog: pytest.LogCaptureFixture) -> None:
    threads = Threads("test", 1)

    def fail() -> None:
        raise LookupError("what came in")

    threads.start(fail)
    threads._pool.shutdown()

    assert "LookupError" in caplog.text
    assert "what came in" not in caplog.text


def test_all_of_a_rate_may_come_at_once_and_then_one_by_one() -> None:
    async def waits() -> list[float]:
        paces = Paces()
        return [await paces.wait("shop", Rate(3, 3600.0)) for _ in range(5)] + [
            await paces.wait("other", Rate(1, 60.0))
        ]

    first, second, third, fourth, fifth, other = asyncio.run(waits())

    assert (first, second, third, other) == (0.0, 0.0, 0.0, 0.0)
    assert fourth == pytest.approx(fifth, abs=5) == pytest.approx(1200, abs=5)


def test_it_sweeps_once_a_minute_and_goes_on_at_once_while_there_is_more(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    left = [sweeping.STEP, 3]
    monkeypatch.setattr(sweeping, "sweep", lambda days, moment: left.pop(0))
    one = Sweeping(clock=lambda: now[0])

    assert [one.is_due(), one.is_due()] == [True, False]
    one.step()
    now[0] += 1.0
    assert [one.is_due(), one.is_due()] == [True, False]
    one.step()
    now[0] += 59.0
    assert not one.is_due()
    now[0] += 1.0
    assert one.is_due()


@pytest.mark.parametrize("configured", ["7d", "-1", "", "9999999"])
def test_days_that_are_none_are_told_and_nothing_is_swept(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, configured: str
) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__DELIVERIES_KEPT", configured)
    monkeypatch.setattr(sweeping, "sweep", lambda days, moment: pytest.fail("it sweeps"))

    Sweeping().step()

    assert (
        f"[cloudfn] deliveries_kept: must be a whole number of days up to 36,500, or 0 for ever, not {configured!r}"
        in caplog.text
    )
