"""Where text is run through Jinja, it is by the Dag's own marks, and also where a class of a user's own reads files."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG
from jinja2.sandbox import SandboxedEnvironment

from airflow_provider_cloudfn import EmporixStartOperator

if TYPE_CHECKING:
    from pathlib import Path


def rendered(task: Any) -> Any:
    instance = SimpleNamespace(dag_id="orders", run_id="run", task_id=task.task_id, map_index=-1, try_number=1)
    task.render_template_fields({"task": task, "ti": instance, "dag": task.dag, "key": "order.paid"})
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
