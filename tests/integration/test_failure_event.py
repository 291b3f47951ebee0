"""The event of a step that has failed for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kit.dag_runs import call

from airflow_provider_cloudfn.operators import failure_event

if TYPE_CHECKING:
    from collections.abc import Callable

    from kit.server import LoopbackServer

EVENT = "CompletionEvent('call.failed')"
STEP = call(cloudfn_conn_id="'service'", method="'POST'", uri="'\"/x\"'")


@pytest.fixture
def service(connected: Callable[..., LoopbackServer]) -> LoopbackServer:
    return connected()


def test_a_step_that_fails_emits_it_with_the_error_and_the_run_has_failed(run: Any, service: LoopbackServer) -> None:
    service.answer(status=402, **{"X-Request-Id": "req-7"})

    result = run(f"emit_when_failed({STEP}, {EVENT})")

    assert result.state == "failed"
    assert result.states == {"call": ["failed"], "call_failed": ["success"]}
    ((name, extra, key),) = result.asset_events()
    assert (name, key) == ("call.failed", None)
    assert extra["metadata"]["type"] == "call.failed"
    assert extra["metadata"]["task_id"] == "call"
    assert extra["result"] == {
        "step": "call",
        "failures": [{"map_index": -1, "error": "ResponseError", "status": 402, "request_id": "req-7"}],
    }


def test_a_step_that_succeeds_emits_none_and_so_does_the_run(run: Any, service: LoopbackServer) -> None:
    result = run(f"emit_when_failed({STEP}, {EVENT})")

    assert result.state == "success"
    assert result.states == {"call": ["success"], "call_failed": ["skipped"]}
    assert result.asset_events() == []


def test_a_step_that_succeeds_on_its_last_try_has_not_failed(run: Any, service: LoopbackServer) -> None:
    service.answer_in_turn((500,), (200,))
    step = call(
        cloudfn_conn_id="'service'",
        uri="'\"/x\"'",
        retries="1",
        retry_delay="datetime.timedelta(0)",
        retry_attempts="1",
    )

    result = run(f"emit_when_failed({step}, {EVENT})")

    assert (result.state, result.asset_events()) == ("success", [])


@pytest.mark.parametrize(("wanted", "state", "count"), [("failures", "success", 1), ("order", "failed", 0)])
def test_it_is_emitted_where_it_is_as_its_schema_says(
    run: Any, service: LoopbackServer, wanted: str, state: str, count: int
) -> None:
    service.answer(status=402)

    result = run(f"emit_when_failed({STEP}, CompletionEvent('call.failed', schema={{'required': ['{wanted}']}}))")

    assert result.states["call_failed"] == [state]
    assert len(result.asset_events()) == count


def test_of_a_mapped_step_it_tells_of_each_instance_that_failed(run: Any, service: LoopbackServer) -> None:
    service.answer(status=402)
    step = (
        "CloudFunctionOperator.partial(task_id='call', cloudfn_conn_id='service', method='POST', uri='\"/x\"', "
        "success_when='inputs == 2').expand(inputs=[1, 2, 3])"
    )

    result = run(f"emit_when_failed({step}, {EVENT})")

    assert result.states["call"] == ["failed", "success", "failed"]
    ((_, extra, _),) = result.asset_events()
    assert [one["map_index"] for one in extra["result"]["failures"]] == [0, 2]


def test_of_many_failures_it_tells_the_first_and_counts_the_rest(
    run: Any, service: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failure_event, "_TOLD", 1)
    service.answer(status=402)
    step = (
        "CloudFunctionOperator.partial(task_id='call', cloudfn_conn_id='service', method='POST', uri='\"/x\"')"
        ".expand(inputs=[1, 2, 3])"
    )

    ((_, extra, _),) = run(f"emit_when_failed({step}, {EVENT})").asset_events()

    assert [one["map_index"] for one in extra["result"]["failures"]] == [0]
    assert extra["result"]["failures_left_out"] == 2


def test_in_a_mapped_task_group_each_instance_tells_of_its_own_failure(run: Any, service: LoopbackServer) -> None:
    service.answer(status=402)

    result = run(f"""
    @task_group
    def one(number):
        step = CloudFunctionOperator(
            task_id="call", cloudfn_conn_id="service", method="POST", uri='"/x"', inputs=number, success_when="inputs == 2"
        )
        emit_when_failed(step, {EVENT})

    one.expand(number=[1, 2, 3])
    """)

    told = [(extra["metadata"]["id"], extra["result"]["failures"]) for _, extra, _ in result.asset_events()]
    assert sorted(failures[0]["map_index"] for _, failures in told) == [0, 2]
    assert len({event_id for event_id, _ in told}) == 2


@pytest.mark.one_run_per_event
def test_an_event_with_a_run_for_each_has_its_id_as_key(run: Any, service: LoopbackServer) -> None:
    service.answer(status=402)

    result = run(f"emit_when_failed({STEP}, CompletionEvent('call.failed', one_run_per_event=True))")

    ((_, extra, key),) = result.asset_events()
    assert key == extra["metadata"]["id"]


def test_without_a_call_record_the_error_is_null(
    run: Any, service: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__CALL_RECORDS", "none")
    service.answer(status=402)

    ((_, extra, _),) = run(f"emit_when_failed({STEP}, {EVENT})").asset_events()

    assert extra["result"]["failures"] == [{"map_index": -1, "error": None, "status": None, "request_id": None}]


@pytest.mark.parametrize(("choice", "state", "count"), [(None, "skipped", 0), ("emit", "success", 1)])
def test_a_backfill_tells_of_no_failure_unless_it_is_to_emit(
    run_in_backfill: Any,
    service: LoopbackServer,
    monkeypatch: pytest.MonkeyPatch,
    choice: str | None,
    state: str,
    count: int,
) -> None:
    if choice is not None:
        monkeypatch.setenv("AIRFLOW__CLOUDFN__EVENTS_IN_BACKFILLS", choice)
    service.answer(status=402)

    result = run_in_backfill(f"emit_when_failed({STEP}, {EVENT})")

    assert result.states == {"call": ["failed"], "call_failed": [state]}
    assert len(result.asset_events()) == count


def test_what_is_no_event_or_no_step_is_refused(import_errors: Callable[[str], str]) -> None:
    from kit.dag_runs import dag_file

    assert "event: must be a CompletionEvent or an Asset, not str" in import_errors(
        dag_file(f"emit_when_failed({STEP}, 'call.failed')")
    )
    assert "step: must be one step, such as a CloudFunctionOperator, not list" in import_errors(
        dag_file(f"emit_when_failed([{STEP}], {EVENT})")
    )
