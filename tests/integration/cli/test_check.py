"""``airflow cloudfn check``."""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_cloudfn.cli.check_command import line_of_task

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = Path(__file__).parents[3] / "example_dags"
HEAD = "from airflow.sdk import DAG\nfrom airflow_provider_cloudfn import CloudFunctionOperator, CompletionEvent\n"


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """Return a Dag file with something wrong in several tasks."""
    file = tmp_path / "wrong.py"
    file.write_text(
        HEAD
        + textwrap.dedent("""
            with DAG("wrong", schedule=None):
                CloudFunctionOperator(task_id="first", uri="/v1/x")
                for name in ("a", "b"):
                    CloudFunctionOperator(
                        task_id=f"call_{name}",
                        uri='"/v1"',
                        query={"since": "2024-01-01"},
                    )
                CloudFunctionOperator.partial(task_id="mapped").expand(uri=['"/1"', "nope"])
        """)
    )
    return file


@pytest.mark.one_run_per_event
def test_the_examples_are_well(cloudfn: Callable[..., Any]) -> None:
    ended = cloudfn("check", str(EXAMPLES), "--json")

    assert ended.code == 0
    assert ended.document["problems"] == []
    assert ended.document["tasks"] == 8
    assert ended.document["expressions"] > 20


def test_each_problem_has_file_and_line_of_its_task(cloudfn: Callable[..., Any], wrong: Path) -> None:
    ended = cloudfn("check", str(wrong.parent), "--json")

    assert ended.code == 1
    assert [
        (Path(one["file"]), one["line"], one["dag_id"], one["task_id"], one["field"])
        for one in ended.document["problems"]
    ] == [
        (wrong, 5, "wrong", "first", "uri"),
        (wrong, 7, "wrong", "call_a", 'query["since"]'),
        (wrong, 7, "wrong", "call_b", 'query["since"]'),
        (wrong, 12, "wrong", "mapped", "uri"),
    ]


def test_people_can_click_on_it(cloudfn: Callable[..., Any], wrong: Path) -> None:
    out = cloudfn("check", str(wrong)).out

    assert f'{wrong}:7: wrong.call_a: query["since"]: 1:1: 2024-01-01 is arithmetic (= 2022)' in out
    assert "7 expressions in 4 tasks of 1 Dags: 4 problems" in out


def test_a_file_that_can_not_be_imported_is_a_problem(cloudfn: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "broken.py"
    file.write_text(f"{HEAD}\n1 / 0\n")

    (problem,) = cloudfn("check", str(file), "--json").document["problems"]

    assert (problem["file"], problem["line"]) == (str(file), 4)
    assert problem["message"] == "ZeroDivisionError: division by zero"


@pytest.mark.one_run_per_event
def test_a_schedule_that_never_fires_is_a_problem(cloudfn: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "silent.py"
    file.write_text(
        f"{HEAD}\nwith DAG('silent', schedule=[CompletionEvent('paid', one_run_per_event=True)]):\n"
        """    CloudFunctionOperator(task_id="a", uri='"/"')\n"""
    )

    (problem,) = cloudfn("check", str(file), "--json").document["problems"]

    assert (problem["line"], problem["dag_id"], problem["task_id"]) == (4, "silent", None)
    assert "an ordinary schedule never fires" in problem["message"]


def test_what_is_not_there_is_refused(cloudfn: Callable[..., Any]) -> None:
    ended = cloudfn("check", "/nowhere")

    assert ended.code == 2
    assert "there is no file or folder /nowhere" in ended.err


def test_the_configured_folder_is_checked_by_default(cloudfn: Callable[..., Any], dags_folder: Path) -> None:
    (dags_folder / "one.py").write_text(
        f"""{HEAD}\nwith DAG("one", schedule=None):\n    CloudFunctionOperator(task_id="a", uri='"/"')\n"""
    )

    assert cloudfn("check", "--json").document["tasks"] == 1


@pytest.mark.parametrize(
    ("source", "task_id", "line"),
    [
        ("A(task_id='a')", "a", 1),
        ("\nA(task_id='a')", "group.a", 2),
        ("A(task_id=f'a_{x}')", "a_1", 1),
        ("A(task_id=f'a_{x}')\nA(task_id='a_1')", "a_1", 2),
        ("A(task_id=name)", "a", None),
        ("A('a')", "a", None),
    ],
)
def test_the_line_of_a_task(source: str, task_id: str, line: int | None) -> None:
    assert line_of_task(ast.parse(source), task_id) == line
