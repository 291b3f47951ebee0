"""A task's place in its Dag: only what is asked for is looked up, and that once for all tasks."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_cloudfn import CloudFunctionOperator, CompletionEvent
from airflow_provider_cloudfn.authoring.dag_problems import dag_problems
from airflow_provider_cloudfn.authoring.task import AuthoredTask

STEPS = 30


def steps(reads: str, **schedule: Any) -> DAG:
    """Return a Dag whose steps run one after the other, and all read an event; the first one declares `made`."""
    with DAG("d", **{"schedule": None, **schedule}) as dag:
        before = CloudFunctionOperator(task_id="first", uri='"/"', completion_event=CompletionEvent("made.here"))
        for number in range(STEPS):
            step = CloudFunctionOperator(task_id=f"step{number}", uri=f'"/" + string(context["{reads}"].id)')
            before >> step
            before = step
    return dag


@pytest.mark.parametrize("reads", ["made.here", "of.a.schedule", "comes.by.conf"])
def test_each_task_is_asked_once_for_its_events_however_many_read_one(
    monkeypatch: pytest.MonkeyPatch, reads: str
) -> None:
    dag = steps(reads, schedule=[CompletionEvent("of.a.schedule")])
    asked: list[str] = []
    names: Any = AuthoredTask.event_names

    def counted(task: AuthoredTask) -> list[str]:
        asked.append(task.task_id)
        return list(names.fget(task))

    monkeypatch.setattr(AuthoredTask, "event_names", property(counted))

    assert dag_problems(dag, [AuthoredTask(task) for task in dag.tasks]) == []
    # By the look-up, and by the rules about the task itself.
    assert max(map(asked.count, asked)) <= 3


def test_an_event_is_in_reach_of_those_that_run_after_it_alone() -> None:
    dag = steps("made.here", schedule=[CompletionEvent("of.a.schedule")])

    first, later = (AuthoredTask(dag.get_task(name)).surroundings for name in ("first", "step0"))

    assert first is not None
    assert later is not None
    assert set(first.events) == {"of.a.schedule"}
    assert set(later.events) == {"of.a.schedule", "made.here"}
    assert ("made.here" in first.events, "made.here" in later.events, "another" in later.events) == (False, True, False)
