"""``depends_on_what_it_reads``: arrows that expressions say, and nobody has to write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kit.dag_runs import dag_file, parse

from airflow_provider_cloudfn.testing import add_arrows, render

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

A = "a = CloudFunctionOperator(task_id='a', uri='\"/a\"')\n"
ON = "depends_on_what_it_reads=True"
B = f"b = CloudFunctionOperator(task_id='b', uri='\"/\" + steps.a.id', {ON})"


@pytest.fixture
def upstream(dags_folder: Path) -> Callable[..., list[str]]:
    """Return a function that parses tasks as Airflow's parser does, and tells what a step runs behind as the scheduler sees it."""
    from airflow.serialization.serialized_objects import DagSerialization

    def parsed(tasks: str, task_id: str = "b", dag_arguments: str = "") -> list[str]:
        bag = parse(dag_file(tasks, dag_arguments), dags_folder)
        assert bag.import_errors == {}
        dag = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(bag.dags["d"]))
        return sorted(dag.get_task(task_id).upstream_task_ids)

    return parsed


@pytest.fixture
def error(dags_folder: Path) -> Callable[[str], str]:
    """Return a function that parses tasks and returns what the parser says is wrong."""

    def parsed(tasks: str) -> str:
        return "".join(parse(dag_file(tasks), dags_folder).import_errors.values())

    return parsed


@pytest.mark.parametrize(
    "reader",
    [
        "CloudFunctionOperator(task_id='b', uri='\"/\" + steps.a.id', {on})",
        "CloudFunctionOperator(task_id='b', uri='\"/\"', query={{'q': 'steps.a.id'}}, {on})",
        "CloudFunctionOperator(task_id='b', uri='\"/\"', body={{'q': [cel('steps.a.id')]}}, {on})",
        "CloudFunctionOperator(task_id='b', uri='\"/\"', inputs={{'q': cel('steps.a.id')}}, {on})",
        "CloudFunctionOperator(task_id='b', uri='\"/\"', returns='[response.body, has(steps.a.id)]', {on})",
        "CloudFunctionOperator(task_id='b', uri='\"/\" + item', for_each=ForEach('steps.a'), {on})",
        "CloudFunctionOperator(task_id='b', uri='\"/\"', poll=Poll(done_when='true', uri='\"/\" + steps.a.id'), {on})",
        "CloudFunctionOperator(task_id='b', uri='\"/\"', completion_events={{'x': 'steps.a'}}, {on})",
        "CloudFunctionOperator.partial(task_id='b', uri='\"/\" + steps.a.id', {on}).expand(inputs=[1, 2])",
        "CloudFunctionOperator.partial(task_id='b', {on}).expand(uri=['\"/\"', '\"/\" + steps.a.id'])",
        "CloudFunctionOperator.partial(task_id='b', {on}).expand_kwargs([{{'uri': '\"/\" + steps.a.id'}}])",
        "EmporixStartOperator(task_id='b', event_type='x', payload=cel('steps.a'), {on})",
        "CloudFunctionSensor(task_id='b', uri='\"/\" + steps.a.id', done_when='true', {on})",
        "@task.cloudfn(task_id='b', uri='\"/\" + steps.a.id', {on})\ndef b(): return 1\nb()",
        "@task.cloudfn(task_id='b', uri='\"/\" + steps.a.id', {on})\ndef b(n): return n\nb.expand(n=[1, 2])",
    ],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_a_step_runs_behind_what_its_expressions_read(
    upstream: Callable[..., list[str]], reader: str, is_first: bool
) -> None:
    written = reader.format(on=ON) + "\n"

    assert upstream(A + written if is_first else written + A) == ["a"]


def test_a_step_inside_a_group_runs_behind_one_of_another(upstream: Callable[..., list[str]]) -> None:
    tasks = f"""
with TaskGroup("g"):
    CloudFunctionOperator(task_id="a", uri='"/a"')
with TaskGroup("h"):
    CloudFunctionOperator(task_id="b", uri='"/" + steps["g.a"].id', {ON})
"""
    assert upstream(tasks, "h.b") == ["g.a"]


def test_a_step_outside_of_a_mapped_group_runs_behind_those_in_it(upstream: Callable[..., list[str]]) -> None:
    tasks = f"""
@task_group
def g(n):
    CloudFunctionOperator(task_id="a", uri='"/a"', inputs=n)
    CloudFunctionOperator(task_id="c", uri='"/" + steps["g.a"].id', {ON})
g.expand(n=[1, 2])
CloudFunctionOperator(task_id="b", uri='"/" + string(size(steps["g.c"]))', {ON})
"""
    assert upstream(tasks) == ["g.c"]
    assert upstream(tasks, "g.c") == ["g.a"]


def test_the_arrow_that_is_there_is_enough(upstream: Callable[..., list[str]]) -> None:
    tasks = f"{A}m = EmptyOperator(task_id='m')\nb = CloudFunctionOperator(task_id='b', uri='\"/\" + steps.a.id', {ON})\na >> m >> b"

    assert upstream(tasks) == ["m"]


def test_it_can_stand_in_the_default_arguments(upstream: Callable[..., list[str]]) -> None:
    given = "default_args={'depends_on_what_it_reads': True}"

    assert upstream(A + "CloudFunctionOperator(task_id='b', uri='\"/\" + steps.a.id')", "b", given) == ["a"]
    mapped = "CloudFunctionOperator.partial(task_id='b', uri='\"/\" + steps.a.id').expand(inputs=[1])"
    assert upstream(A + mapped, "b", given) == ["a"]


def test_the_configuration_says_it_for_all_steps_but_those_that_say_otherwise(
    upstream: Callable[..., list[str]], error: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__IMPLICIT_DEPENDENCIES", "True")
    step = "CloudFunctionOperator(task_id='b', uri='\"/\" + steps.a.id'{})"

    assert upstream(A + step.format("")) == ["a"]
    assert "add `a >> b`" in error(A + step.format(", depends_on_what_it_reads=False"))


def test_without_it_the_arrow_is_asked_for(error: Callable[[str], str]) -> None:
    assert "add `a >> b`" in error(A + "CloudFunctionOperator(task_id='b', uri='\"/\" + steps.a.id')")


def test_a_name_that_is_no_step_is_the_error_as_ever(error: Callable[[str], str]) -> None:
    said = error(A + f"CloudFunctionOperator(task_id='b', uri='\"/\" + steps.aa.id', {ON})")

    assert "there is no step 'aa' in this Dag; did you mean steps.a?" in said


@pytest.mark.parametrize(
    ("tasks", "way"),
    [
        (f"{B}\n{A}b >> a", "b >> a >> b"),
        (
            f"{B}\n{A}m = EmptyOperator(task_id='m')\nb >> m >> a",
            "b >> m >> a >> b",
        ),
        (
            f"CloudFunctionOperator(task_id='a', uri='\"/\" + steps.b.id', {ON})\n{B}",
            "b >> a >> b",
        ),
    ],
)
def test_a_circle_is_an_error_that_names_the_way_round(error: Callable[[str], str], tasks: str, way: str) -> None:
    said = error(tasks)

    assert f"would be a circle: {way}" in said
    assert "does not run before" not in said  # so no advice that can't be followed


def test_a_value_that_is_no_choice_is_refused(error: Callable[[str], str]) -> None:
    said = error("CloudFunctionOperator(task_id='b', uri='\"/\"', depends_on_what_it_reads='yes')")

    assert "depends_on_what_it_reads: must be True, False or None, not 'yes'" in said


def test_a_run_reads_what_the_step_before_has_returned(
    run: Callable[..., Any], connected: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = connected("cloudfn_default")
    result = run(f"CloudFunctionOperator(task_id='b', uri='\"/\" + steps.a', {ON})\n@task\ndef a(): return 'read'\na()")

    assert result.state == "success"
    assert server.received[-1].target == "/read"


def test_a_rehearsal_has_the_arrows_and_so_has_who_asks_for_them(dag: Any) -> None:
    from airflow_provider_cloudfn import CloudFunctionOperator

    b = CloudFunctionOperator(task_id="b", uri='"/" + steps.a.id', depends_on_what_it_reads=True, dag=dag)
    CloudFunctionOperator(task_id="a", uri='"/a"', dag=dag)

    assert render(b, steps={"a": {"id": "7"}}).path == "/7"
    add_arrows(dag)
    assert b.upstream_task_ids == {"a"}


def test_a_choice_for_all_steps_that_is_none_is_told_as_what_it_is(
    error: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__IMPLICIT_DEPENDENCIES", "maybe")

    said = error(A)

    assert "- [cloudfn] implicit_dependencies: must be True or False, not 'maybe'" in said
    assert "fault of airflow-provider-cloudfn" not in said
