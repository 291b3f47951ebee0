"""Which task runs before which, as Airflow itself has it."""

from __future__ import annotations

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cloudfn.authoring.ancestry import Ancestry

TASKS = 9
PLACES = st.integers(0, TASKS - 1)
ARROWS = st.sets(st.tuples(PLACES, PLACES).filter(lambda pair: pair[0] < pair[1]), max_size=16)


def dag_of(arrows: set[tuple[int, int]], order: list[int]) -> DAG:
    """Return a Dag with these arrows, whose tasks were written in that order."""
    with DAG("d", schedule=None) as dag:
        for place in order:
            EmptyOperator(task_id=f"t{place}")
    for first, last in sorted(arrows):
        dag.task_dict[f"t{first}"].set_downstream(dag.task_dict[f"t{last}"])
    return dag


def as_airflow_has_it(dag: DAG) -> dict[str, set[str]]:
    return {task.task_id: set(task.get_flat_relative_ids(upstream=True)) for task in dag.tasks}


def found_by(ancestry: Ancestry, dag: DAG) -> dict[str, set[str]]:
    found = {last: set(ancestry.all_before(last)) for last in dag.task_dict}
    for last, before in found.items():
        assert {first for first in dag.task_dict if ancestry.is_before(first, last)} == before
    return found


@given(ARROWS, st.permutations(range(TASKS)))
def test_what_runs_before_each_task_is_known(arrows: set[tuple[int, int]], order: list[int]) -> None:
    dag = dag_of(arrows, order)

    assert found_by(Ancestry(dag.task_dict), dag) == as_airflow_has_it(dag)


@given(ARROWS, ARROWS, st.permutations(range(TASKS)))
def test_an_arrow_that_is_added_leads_as_far_as_all_others(
    arrows: set[tuple[int, int]], more: set[tuple[int, int]], order: list[int]
) -> None:
    dag = dag_of(arrows, order)
    ancestry = Ancestry(dag.task_dict)
    for first, last in sorted(more - arrows):
        assert ancestry.is_before(f"t{last}", f"t{first}") is False
        dag.task_dict[f"t{first}"].set_downstream(dag.task_dict[f"t{last}"])
        ancestry.add(f"t{first}", f"t{last}")

    assert found_by(ancestry, dag) == as_airflow_has_it(dag)


def test_what_is_no_task_runs_before_none() -> None:
    dag = dag_of({(0, 1)}, [0, 1])

    assert not Ancestry(dag.task_dict).is_before("t7", "t1")
