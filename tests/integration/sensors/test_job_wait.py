"""Waits for jobs in the triggerer: what they share, what stands in their rows, and what they never send."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

from airflow_provider_cloudfn.triggers import shared_hooks
from airflow_provider_cloudfn.triggers.job import Job, JobPoll
from airflow_provider_cloudfn.triggers.job_wait import JobTrigger
from airflow_provider_cloudfn.triggers.poll import LARGEST, HttpPoll
from airflow_provider_cloudfn.triggers.shared_hooks import shared_hook


def trigger(
    done_when: str = 'response.body.state == "done"', *, every: float = 0.01, seconds: float = 20.0, tolerate: int = 5
) -> JobTrigger:
    poll = JobPoll(
        question=HttpPoll(conn_id="service", uri="/jobs/7", once=True),
        done_when=done_when,
        every=every,
        at_most_every=every,
        tolerate=tolerate,
    )
    return JobTrigger(job=Job(poll=poll, answer=None, begun=0.0), seconds=seconds, first_wait=0.0)


async def first_event(waiting: JobTrigger) -> Any:
    async for event in waiting.run():
        return event.payload
    return None


def event_of(waiting: JobTrigger) -> Any:
    return asyncio.run(asyncio.wait_for(first_event(waiting), timeout=30))


def test_it_ends_when_the_job_has(service: Any) -> None:
    service.answer_in_turn((200, {"state": "busy"}), (503, {}), (200, {"state": "done"}))

    event = event_of(trigger())

    assert (event["outcome"], event["reason"]) == ("ended", None)
    assert 0 < event["seconds"] < 20
    assert [request.method for request in service.received] == ["GET"] * 3
    assert service.received[0].headers["x-api-key"] == "s3cret-key"


@pytest.mark.parametrize(
    ("status", "done_when", "reason"),
    [(403, "true", "AuthorizationError"), (200, "1", "ExpressionError"), (200, "response.nope", "ExpressionError")],
)
def test_what_cannot_pass_ends_it_after_one_question(service: Any, status: int, done_when: str, reason: str) -> None:
    service.answer(status, {})

    event = event_of(trigger(done_when))

    assert (event["outcome"], event["reason"]) == ("error", reason)
    assert len(service.received) <= 1


def test_a_connection_that_is_gone_ends_it_when_that_is_tolerated_no_more(airflow_database: None) -> None:
    event = event_of(trigger())

    assert (event["outcome"], event["reason"]) == ("error", "ConfigurationError")


def test_it_is_late_when_its_seconds_are_over(service: Any) -> None:
    service.answer(200, {"state": "busy"})

    event = event_of(trigger(every=0.05, seconds=0.2))

    assert (event["outcome"], event["seconds"]) == ("late", pytest.approx(0.0, abs=0.05))


def test_a_question_that_the_rate_limit_lets_not_go_is_no_failure(connected: Any) -> None:
    service = connected(extra={"rate_limit": "1/h", "total_timeout": 0.2})
    service.answer(200, {"state": "busy"})

    event = event_of(trigger(seconds=1.0, tolerate=0))

    assert (event["outcome"], len(service.received)) == ("late", 1)


def test_no_answer_is_read_that_could_hold_up_other_triggers(service: Any) -> None:
    service.answer(200, {"state": "done", "padding": "x" * LARGEST})

    event = event_of(trigger())

    assert (event["outcome"], event["reason"]) == ("error", "LimitError")


def test_a_condition_holds_up_no_other_trigger(service: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    service.answer(200, {"state": "done"})
    begun, ended = threading.Event(), threading.Event()
    work = JobPoll.judged

    def waiting(*args: Any) -> Any:
        begun.set()
        # Only what goes on in the event loop meanwhile lets this end.
        assert ended.wait(20)
        return work(*args)

    monkeypatch.setattr(JobPoll, "judged", waiting)

    async def two_triggers() -> Any:
        first = asyncio.create_task(first_event(trigger()))
        assert await asyncio.to_thread(begun.wait, 20)
        ended.set()
        return await first

    assert asyncio.run(asyncio.wait_for(two_triggers(), timeout=60))["outcome"] == "ended"


def test_a_trigger_that_is_stopped_sends_nothing_more(service: Any) -> None:
    service.answer(200, {"state": "busy"})

    async def stopped() -> None:
        waiting = asyncio.create_task(first_event(trigger(every=60.0)))
        while not service.received:  # noqa: ASYNC110 - another thread's server tells nobody
            await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    asyncio.run(stopped())

    assert [request.method for request in service.received] == ["GET"]


def test_no_secret_and_no_answer_is_in_the_row_or_the_event(service: Any) -> None:
    service.answer(200, {"state": "done", "token": "in-the-answer"})
    waiting = trigger()

    written = repr((waiting.serialize(), event_of(waiting)))

    assert "s3cret-key" not in written
    assert "in-the-answer" not in written


def test_waits_on_a_connection_share_a_session_that_the_last_one_closes(service: Any) -> None:
    async def sessions() -> list[Any]:
        seen = []
        async with shared_hook("service") as one, shared_hook("service") as other:
            for line in (one, other, one):
                async with line.asking() as hook:
                    seen.append(hook)
            transport = (await seen[0].aclient()).transport
            seen.append(transport._wire._connector.closed)
        seen.append(transport._wire._connector.closed)
        return seen

    first, second, third, open_meanwhile, closed_at_the_end = asyncio.run(sessions())

    assert first is second is third
    assert (open_meanwhile, closed_at_the_end) == (False, True)


def test_a_changed_connection_is_read_again_and_the_question_under_way_keeps_its_own(
    service: Any, connected: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_hooks, "_READ_AGAIN", -1.0)

    async def asked() -> tuple[bool, bool, bool]:
        async with shared_hook("service") as line, line.asking() as before:
            old = (await before.aclient()).transport
            async with line.asking() as same:
                is_same = same is before
            connected(password="an0ther-key", extra={"auth_type": "api_key", "key_name": "X-Api-Key"})
            async with line.asking() as after:
                return is_same, after is before, old._wire._connector.closed

    assert asyncio.run(asked()) == (True, False, False)


def test_event_loops_share_nothing(service: Any) -> None:
    async def one() -> Any:
        async with shared_hook("service") as line, line.asking() as hook:
            return hook

    assert asyncio.run(one()) is not asyncio.run(one())


DELETE = HttpPoll(conn_id="service", method="DELETE", uri="/jobs/7", json={"reason": "unwanted"})
INSTANCE = SimpleNamespace(dag_id="export", task_id="job", run_id="today", map_index=2)
IS_ENDED = {"today": {"job_2": "failed"}}


def ended_by_person(states: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Let a trigger hear what Airflow says when a person has ended its task, and return what it has asked Airflow for."""
    asked: dict[str, Any] = {}

    def get_task_states(**names: Any) -> dict[str, Any]:
        asked.update(names)
        return states

    monkeypatch.setattr(RuntimeTaskInstance, "get_task_states", staticmethod(get_task_states))
    waiting = JobTrigger(job=trigger().job, seconds=20.0, first_wait=0.0, cancel=DELETE)
    waiting.task_instance = INSTANCE  # type: ignore[assignment]
    asyncio.run(asyncio.wait_for(waiting.on_kill(), timeout=30))
    return asked


@pytest.mark.parametrize("states", [IS_ENDED, {"today": {"job_2": "success"}}, {"today": {"job_2": None}}, {}])
def test_a_job_is_cancelled_when_a_person_has_ended_the_task(
    service: Any, monkeypatch: pytest.MonkeyPatch, states: Any
) -> None:
    service.answer(200, {"state": "busy"})

    asked = ended_by_person(states, monkeypatch)

    assert [(one.method, one.body) for one in service.received] == [("GET", b""), ("DELETE", b'{"reason":"unwanted"}')]
    assert asked == {"dag_id": "export", "task_ids": ["job"], "run_ids": ["today"], "map_index": 2}


@pytest.mark.parametrize("state", ["deferred", "scheduled", "queued", "running", "up_for_retry"])
def test_a_job_goes_on_where_another_process_waits_for_it(
    service: Any, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    ended_by_person({"today": {"job_2": state}}, monkeypatch)

    assert not service.received


@pytest.mark.parametrize(("status", "state"), [(200, "done"), (404, "gone"), (503, "busy")])
def test_a_job_that_is_over_or_of_which_nobody_knows_is_not_cancelled(
    service: Any, monkeypatch: pytest.MonkeyPatch, status: int, state: str
) -> None:
    service.answer(status, {"state": state})

    ended_by_person(IS_ENDED, monkeypatch)

    assert {request.method for request in service.received} == {"GET"}


def test_nothing_is_asked_for_a_job_that_cannot_be_cancelled(service: Any) -> None:
    asyncio.run(trigger().on_kill())

    assert not service.received


def test_a_connection_that_is_gone_is_told_where_a_job_cannot_be_cancelled(
    airflow_database: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    ended_by_person(IS_ENDED, monkeypatch)

    assert "The job could not be cancelled: cloudfn_conn_id: there is no connection 'service'" in "".join(
        capfd.readouterr()
    )
