"""Where text is run through Jinja, it is by the Dag's own marks, and also where a class of a user's own reads files."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG
from jinja2 import UndefinedError
from jinja2.sandbox import SandboxedEnvironment

from airflow_provider_cloudfn import CloudFunctionOperator, EmporixStartOperator, ForEach
from airflow_provider_cloudfn.exceptions import ExpressionError
from airflow_provider_cloudfn.testing import render

if TYPE_CHECKING:
    from pathlib import Path


def rendered(task: Any, **others: Any) -> Any:
    instance = SimpleNamespace(dag_id="orders", run_id="run", task_id=task.task_id, map_index=-1, try_number=1)
    task.render_template_fields({"task": task, "ti": instance, "dag": task.dag, "key": "order.paid", **others})
    return task


@pytest.mark.parametrize(
    ("marks", "text"),
    [
        ({}, "{{ key }}"),
        ({"variable_start_string": "[[", "variable_end_string": "]]"}, "[[ key ]]"),
        ({"block_start_string": "<%", "block_end_string": "%>"}, "<% if key %>order.paid<% endif %>"),
        ({"line_statement_prefix": "%"}, "% if key\norder.paid\n% endif"),
    ],
)
def test_the_marks_are_those_of_the_dag(marks: dict[str, str], text: str) -> None:
    with DAG("orders", schedule=None, jinja_environment_kwargs=marks):
        task = EmporixStartOperator(task_id="start", event_type=text)

    assert rendered(task).event_type.strip() == "order.paid"


def test_a_file_of_a_template_is_read(tmp_path: Path) -> None:
    class FromFiles(EmporixStartOperator):
        template_ext = (".txt",)

    (tmp_path / "type.txt").write_text("{{ key }}")
    with DAG("orders", schedule=None, template_searchpath=str(tmp_path)):
        task = FromFiles(task_id="start", event_type="type.txt")

    assert rendered(task).event_type == "order.paid"


def environment_with_brackets(*_: Any, **__: Any) -> SandboxedEnvironment:
    return SandboxedEnvironment(variable_start_string="[[", variable_end_string="]]", cache_size=0)


def test_the_marks_are_those_that_a_class_of_the_users_own_chooses() -> None:
    class WithBrackets(EmporixStartOperator):
        get_template_env = environment_with_brackets

    with DAG("orders", schedule=None):
        task = WithBrackets(task_id="start", event_type="[[ key ]]")

    assert rendered(task).event_type == "order.paid"


def test_no_environment_is_made_where_nothing_is_a_template(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    made_by_airflow = DAG.get_template_env

    def get_template_env(dag: DAG, **parameters: Any) -> Any:
        made.append(dag)
        return made_by_airflow(dag, **parameters)

    get_template_env.__module__ = made_by_airflow.__module__
    monkeypatch.setattr(DAG, "get_template_env", get_template_env)
    with DAG("orders", schedule=None):
        plain = EmporixStartOperator(task_id="plain", event_type="order.paid")
        template = EmporixStartOperator(task_id="template", event_type="{{ key }}")

    assert rendered(plain).event_type == "order.paid"
    assert made == []
    assert rendered(template).event_type == "order.paid"
    assert made != []


WITHOUT_A_DATE = {"dag_run": SimpleNamespace(logical_date=None, conf={}, run_after=None)}


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        ("{{ ds }}", "dag_run.run_after | ds"),
        ("{{ ts_nodash[:8] }}", "dag_run.run_after | ts_nodash"),
        ("{{ data_interval_start.year }}", "dag_run.run_after"),
        ("{{ logical_date }}", "dag_run.run_after"),
    ],
)
@pytest.mark.parametrize("where", ["field", "part"])
def test_a_date_that_the_run_has_not_is_answered_with_what_every_run_has(
    written: str, instead: str, where: str
) -> None:
    with DAG("orders", schedule=None):
        task = {
            "field": lambda: EmporixStartOperator(task_id="start", event_type=written),
            "part": lambda: CloudFunctionOperator(
                task_id="each", uri='"/x"', for_each=ForEach([1], results=f"file:///{written}")
            ),
        }[where]()

    with pytest.raises(ExpressionError, match=r"is not there, as this run was started by an event") as caught:
        rendered(task, **WITHOUT_A_DATE)
    assert f"write {{{{ {instead} }}}}" in str(caught.value)


def test_another_name_that_is_not_there_is_jinjas_own_error() -> None:
    with DAG("orders", schedule=None):
        task = EmporixStartOperator(task_id="start", event_type="{{ dss }}")

    with pytest.raises(UndefinedError):
        rendered(task, **WITHOUT_A_DATE)


def test_a_rehearsal_of_a_run_without_a_date_has_none() -> None:
    with DAG("orders", schedule=None):
        task = CloudFunctionOperator(task_id="call", uri="inputs", inputs="/{{ ds }}")

    assert render(task).url.endswith("/2026-01-01")
    with pytest.raises(ExpressionError, match=r"dag_run\.run_after \| ds"):
        render(task, run={"logical_date": None})
