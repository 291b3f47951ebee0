"""What of Airflow's own is read that Airflow does not document: in one file, so that one file changes when Airflow does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from airflow.sdk import DAG, BaseOperator, task

import airflow_provider_cloudfn

PACKAGE = Path(airflow_provider_cloudfn.__file__).parent
READ_BY = "authoring/task.py"
#: Reads the same name in the serialized form, which is another thing: Airflow has a schema of that.
READS_SERIALIZED = "plugin/pages/catalogue.py"

#: Those of Airflow's functions that are asked while it is open would close a session of the thread.
SESSION_OF_THE_THREAD = re.compile(r"(?<!factory\.)\bcreate_session\(\)|\bprovide_session\b")

OF_A_MAPPED_TASK = ("partial_kwargs", "operator_class", "_get_specified_expand_input", "iter_mapped_task_groups")
OF_A_MAPPED_FUNCTION = ("op_kwargs_expand_input",)
OF_AN_OPERATOR = ("_BaseOperator__init_kwargs",)


class Work(BaseOperator):
    """An operator, as anybody writes one."""

    def __init__(self, *, given: object = None, **kwargs: object) -> None:
        super().__init__(**kwargs)  # type: ignore[arg-type]
        self.given = given


@pytest.mark.parametrize("name", [*OF_A_MAPPED_TASK, *OF_A_MAPPED_FUNCTION, *OF_AN_OPERATOR])
def test_one_file_knows_airflows_mapped_internals(name: str) -> None:
    files = {
        str(file.relative_to(PACKAGE)) for file in PACKAGE.rglob("*.py") if re.search(rf"\b{name}\b", file.read_text())
    }

    assert files - {READS_SERIALIZED} == {READ_BY}


def test_a_session_of_airflow_s_database_is_nobody_else_s() -> None:
    assert [file for file in PACKAGE.rglob("*.py") if SESSION_OF_THE_THREAD.search(file.read_text())] == []


@pytest.mark.parametrize("name", OF_A_MAPPED_TASK)
def test_a_mapped_task_of_the_installed_airflow_has_them(name: str) -> None:
    with DAG("d", schedule=None) as dag:
        Work.partial(task_id="work", retries=3).expand(given=[1, 2])

    assert hasattr(dag.task_dict["work"], name)


def test_what_they_hold_is_what_was_written() -> None:
    with DAG("d", schedule=None) as dag:
        Work.partial(task_id="work", retries=3).expand(given=[1, 2])
    mapped = dag.task_dict["work"]

    assert mapped.operator_class is Work
    assert mapped.partial_kwargs["retries"] == 3
    assert mapped._get_specified_expand_input().value == {"given": [1, 2]}
    assert list(mapped.iter_mapped_task_groups()) == []


def test_a_mapped_function_keeps_its_arguments_apart_from_the_parameters_of_its_operator() -> None:
    @task
    def work(given: int) -> int:
        return given

    with DAG("d", schedule=None) as dag:
        work.expand(given=[1, 2])

    assert dag.task_dict["work"].op_kwargs_expand_input.value == {"given": [1, 2]}


@pytest.mark.parametrize("name", OF_AN_OPERATOR)
def test_an_operator_keeps_what_it_was_given(name: str) -> None:
    assert getattr(Work(task_id="work", given=1), name)["given"] == 1
