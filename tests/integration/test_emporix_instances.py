"""Events for a process that runs already: an instance goes on, and a step of it is completed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kit.dag_runs import call

from airflow_provider_cloudfn.hooks.emporix import EmporixHook

if TYPE_CHECKING:
    from airflow_provider_cloudfn.sandbox.processes import Process


@pytest.fixture
def waiting(sandbox: Any) -> Process:
    """A process that an event has started, and that no later one has reached."""
    EmporixHook("emporix").start("order.paid", event_id="first")
    (process,) = sandbox.processes
    found: Process = process
    return found


def resume(**parameters: str) -> str:
    given = {"task_id": "'tell'", "emporix_conn_id": "'emporix'", "event_type": "'order.shipped'", **parameters}
    return call("EmporixResumeOperator", **given)


def complete(**parameters: str) -> str:
    given = {"task_id": "'tell'", "emporix_conn_id": "'emporix'", "event_type": "'step.done'", **parameters}
    return call("EmporixCompleteOperator", **given)


def test_a_running_instance_gets_the_event_with_all_that_is_given(run: Any, sandbox: Any, waiting: Process) -> None:
    result = run(f"""
    @task
    def handed():
        return {{"instance": {waiting.instance_id!r}, "text": "{{{{ run_id }}}}"}}

    handed = handed()
    handed >> {
        resume(
            instance_id="cel('steps.handed.instance')",
            case_id="cel('params.id')",
            subject="'Order {{ params.id }}'",
            payload="{'text': cel('steps.handed.text'), 'literal': lit('run.id')}",
            source="'shop'",
        )
    }
    """)

    (process,) = sandbox.processes
    event = process.events[-1]
    assert (event.type, event.source, event.case_id, event.subject) == ("order.shipped", "shop", "1001", "Order 1001")
    assert event.instance_id == waiting.instance_id
    assert process.context["order.shipped"] == {"text": "{{ run_id }}", "literal": "run.id"}
    assert process.completions == ()
    assert result.xcom("tell") == {
        "id": event.id,
        "type": "order.shipped",
        "source": "shop",
        "request_id": event.request_id,
        "status": 200,
    }


def test_a_step_is_completed_with_all_that_is_given(run: Any, sandbox: Any, waiting: Process) -> None:
    run(
        complete(
            instance_id=repr(waiting.instance_id),
            execution_id="'{{ params.id }}-x'",
            scenario_id="'s-1'",
            impact="cel(\"params.id == '1001' ? 'N' : 'P'\")",
            timestamp="cel('timestamp(\"2026-01-31T12:00:00Z\")')",
            json_string="'{\"n\":  2.50}'",
        )
    )

    (process,) = sandbox.processes
    (completion,) = process.completions
    assert (completion.type, completion.source, completion.instance_id) == (
        "step.done",
        "airflow/d",
        waiting.instance_id,
    )
    assert (completion.execution_id, completion.scenario_id) == ("1001-x", "s-1")
    assert (completion.impact, completion.time) == ("N", "2026-01-31T12:00:00Z")
    assert sandbox.requests[-1].body == b'{"n":  2.50}'


def test_an_impact_that_turns_out_null_is_not_sent(run: Any, sandbox: Any, waiting: Process) -> None:
    step = {"instance_id": repr(waiting.instance_id), "execution_id": "'x'", "scenario_id": "'s'"}

    run(complete(**step, impact="cel('null')", timestamp="cel('null')"))

    (completion,) = sandbox.processes[0].completions
    assert (completion.impact, completion.time) == (None, None)


@pytest.mark.parametrize("kind", ["resume", "complete"])
def test_it_emits_its_completion_event_when_the_event_was_accepted(
    run: Any, sandbox: Any, waiting: Process, kind: str
) -> None:
    event = {"instance_id": repr(waiting.instance_id), "completion_event": "CompletionEvent('told')"}
    step = resume(**event) if kind == "resume" else complete(**event, execution_id="'x'", scenario_id="'s'")

    result = run(step)

    ((name, record, _),) = result.asset_events()
    assert (name, record["result"]) == ("told", result.xcom("tell"))


def test_each_mapped_instance_tells_its_own(run: Any, sandbox: Any, waiting: Process) -> None:
    EmporixHook("emporix").start("order.paid", event_id="second")
    ids = [process.instance_id for process in sandbox.processes]

    run(f"""
    @task
    def ids():
        return {ids!r}

    EmporixResumeOperator.partial(task_id="tell", emporix_conn_id="emporix", event_type="go").expand(instance_id=ids())
    """)

    assert [[event.type for event in process.events] for process in sandbox.processes] == [["order.paid", "go"]] * 2
    assert len({process.events[-1].id for process in sandbox.processes}) == 2


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (resume(instance_id="cel('null')"), "instance_id: is missing; write the id of the running instance"),
        (resume(instance_id="'unknown'"), "404"),
        (
            complete(instance_id="'i'", execution_id="''", scenario_id="'s'"),
            "execution_id: is missing; write the id of the execution that is done",
        ),
        (
            complete(instance_id="'i'", execution_id="'x'", scenario_id="'s'", impact="'{{ params.id }}'"),
            "impact: must be one of 'P', 'N', 'D', not '1001'",
        ),
        (
            complete(instance_id="'i'", execution_id="'x'", scenario_id="'s'", timestamp="cel('params.id')"),
            "timestamp: must be a time as RFC 3339 has it",
        ),
    ],
)
def test_a_step_that_cannot_tell_fails_and_says_why(
    run: Any, sandbox: Any, capfd: pytest.CaptureFixture[str], waiting: Process, step: str, message: str
) -> None:
    assert run(step).states == {"tell": ["failed"]}

    assert message in "".join(capfd.readouterr())
    assert sandbox.processes[0].events == waiting.events


@pytest.mark.parametrize(
    ("step", "missing"),
    [
        (resume(), "instance_id"),
        (complete(instance_id="'i'", scenario_id="'s'"), "execution_id"),
        (complete(instance_id="'i'", execution_id="'x'"), "scenario_id"),
    ],
)
def test_what_says_where_the_event_goes_is_required(import_errors: Any, step: str, missing: str) -> None:
    assert f"missing keyword argument '{missing}'" in import_errors(
        f"from airflow.sdk import DAG\nfrom airflow_provider_cloudfn import *\nwith DAG('d', schedule=None):\n    {step}\n"
    )


def test_the_log_says_that_accepted_is_not_completed(
    run: Any, capfd: pytest.CaptureFixture[str], waiting: Process
) -> None:
    run(complete(instance_id=repr(waiting.instance_id), execution_id="'x'", scenario_id="'s'"))

    assert "says neither that a step was completed nor" in "".join(capfd.readouterr())
