"""``--run-id``: what a past run left are the values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DAG = """
from airflow.sdk import DAG, task, task_group
from airflow_provider_cloudfn import CloudFunctionOperator, CompletionEvent, EmporixStartOperator, cel

with DAG("past", schedule=None, params={"currency": "EUR"}):
    @task
    def orders():
        return [{"id": "1", "total": 5}, {"id": "2", "total": 7}]

    @task
    def nothing():
        return None

    @task
    def texts():
        return ["1001", "true", "null", "[1]", "1.50"]

    @task
    def text():
        return "1001"

    charge = CloudFunctionOperator.partial(
        task_id="charge", cloudfn_conn_id="shop", method="POST", uri='"/v1/charges"',
        body={"amount": cel("inputs.total"), "currency": cel("params.currency"), "by": cel("conf.by")},
    ).expand(inputs=orders())
    report = CloudFunctionOperator(
        task_id="report", cloudfn_conn_id="shop", method="POST", uri='"/v1/reports"',
        body='{"amounts": steps.charge.map(c, c.amount), "none": steps.nothing, "run": run.id}',
        completion_event=CompletionEvent("reported"), event_payload='{"n": size(steps.charge)}',
    )
    start = EmporixStartOperator(
        task_id="start", emporix_conn_id="emporix", event_type="reported", payload=cel('context["reported"]')
    )
    [charge, nothing(), texts(), text()] >> report >> start
    report >> CloudFunctionOperator(
        task_id="as_text", cloudfn_conn_id="shop", method="POST", uri='"/v1/reports"',
        body='{"texts": steps.texts, "text": steps.text}',
    )
"""


@pytest.fixture
def past(run_dag: Callable[..., Any], sandbox: Any, dags_folder: Path) -> Callable[[str], tuple[str, ...]]:
    """Return a function that gives the arguments which name a task of a run that is over."""
    result = run_dag(DAG, "past", run_conf={"by": "hand"})
    assert result.state == "success"

    def named(task_id: str) -> tuple[str, ...]:
        return ("past", task_id, "--file", str(dags_folder), "--run-id", result.run_id, "--json")

    return named


def body(ended: Any) -> Any:
    assert ended.code == 0, ended.err
    return ended.document["request"]["body"]


def test_text_that_looks_like_json_is_text(cloudfn: Callable[..., Any], past: Callable[[str], tuple[str, ...]]) -> None:
    assert body(cloudfn("render", *past("as_text"))) == {
        "texts": ["1001", "true", "null", "[1]", "1.50"],
        "text": "1001",
    }


def test_a_step_sees_what_it_saw(cloudfn: Callable[..., Any], past: Callable[[str], tuple[str, ...]]) -> None:
    seen = body(cloudfn("render", *past("report")))

    assert (seen["amounts"], seen["none"]) == ([5, 7], None)
    assert seen["run"] == past("report")[5]


def test_an_instance_sees_its_own(cloudfn: Callable[..., Any], past: Callable[[str], tuple[str, ...]]) -> None:
    assert body(cloudfn("render", *past("charge"), "--map-index", "1")) == {
        "amount": 7, "currency": "EUR", "by": "hand",
    }  # fmt: skip


def test_an_event_of_a_step_before_is_there(
    cloudfn: Callable[..., Any], past: Callable[[str], tuple[str, ...]]
) -> None:
    assert body(cloudfn("render", *past("start"))) == {"n": 2}


def test_one_of_a_step_that_failed_after_its_call_is_none(
    cloudfn: Callable[..., Any], run_dag: Callable[..., Any], sandbox: Any, dags_folder: Path
) -> None:
    result = run_dag("""
    from airflow.sdk import DAG
    from airflow_provider_cloudfn import CloudFunctionOperator, CompletionEvent, EmporixStartOperator, cel

    def broken(context, result=None):
        raise RuntimeError("broken after the call")

    with DAG("late", schedule=None):
        late = CloudFunctionOperator(
            task_id="late", cloudfn_conn_id="shop", uri='"/v1/customers"', completion_event=CompletionEvent("late"),
            post_execute=broken,
        )
        start = EmporixStartOperator(
            task_id="start", emporix_conn_id="emporix", event_type="late", payload={"late": cel('context["late"]')},
            trigger_rule="all_done",
        )
        late >> start
    """)

    ended = cloudfn("render", "late", "start", "--file", str(dags_folder), "--run-id", result.run_id, "--json")

    assert body(ended) == {"late": None} == sandbox.processes[0].events[0].payload


def test_a_sample_comes_first(
    cloudfn: Callable[..., Any], past: Callable[[str], tuple[str, ...]], tmp_path: Path
) -> None:
    sample = tmp_path / "s.yaml"
    sample.write_text("steps: {charge: [{amount: 1}]}\n")

    seen = body(cloudfn("render", *past("report"), "--sample", str(sample)))

    assert (seen["amounts"], seen["none"]) == ([1], None)


def test_it_can_be_tested_with_a_mock(cloudfn: Callable[..., Any], past: Callable[[str], tuple[str, ...]]) -> None:
    ended = cloudfn("test", *past("report"), "--mock", "503")

    assert ended.code == 1
    assert ended.document["request"]["body"]["amounts"] == [5, 7]


def test_an_expression_can_be_tried(cloudfn: Callable[..., Any], past: Callable[[str], tuple[str, ...]]) -> None:
    _, _, *rest = past("report")

    ended = cloudfn("eval", "steps.charge[1].amount", "--dag-id", "past", "--task-id", "report", *rest)

    assert ended.document["value"] == 7


@pytest.mark.parametrize(
    ("task_id", "more", "said"),
    [
        ("charge", ("--map-index", "2"), "task 'charge' has no instance 2 in run"),
        ("report", ("--run-id", "manual__nope"), "Dag 'past' has no run 'manual__nope'; its latest are"),
    ],
)
def test_what_is_not_there_is_said(
    cloudfn: Callable[..., Any], past: Callable[[str], tuple[str, ...]], task_id: str, more: tuple[str, ...], said: str
) -> None:
    ended = cloudfn("render", *past(task_id), *more)

    assert ended.code == 2
    assert said in ended.err
