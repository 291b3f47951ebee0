"""Where conditions are evaluated, beside the event loop."""

from __future__ import annotations

from kit.forked import returned_by

from airflow_provider_cloudfn.triggers.poll import conditions


def test_a_process_that_was_forked_evaluates_them_too() -> None:
    assert [conditions().submit(pow, 2, number).result() for number in range(3)] == [1, 2, 4]

    assert returned_by(lambda: conditions().submit(pow, 2, 5).result(timeout=30)) == 32
