"""Where conditions are evaluated, beside the event loop."""

from __future__ import annotations

import asyncio

from kit.forked import returned_by

from airflow_provider_cloudfn.triggers.poll import in_condition_thread


def test_a_process_that_was_forked_evaluates_them_too() -> None:
    assert [asyncio.run(in_condition_thread(pow, 2, number)) for number in range(3)] == [1, 2, 4]

    assert returned_by(lambda: asyncio.run(asyncio.wait_for(in_condition_thread(pow, 2, 5), timeout=30))) == 32
