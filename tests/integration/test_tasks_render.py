"""``airflow tasks render``, which renders a task that does not run."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(autouse=True)
def no_task_runs_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what ``dag.test()`` in another thread can have left: a command has no supervisor to ask for an XCom."""
    from airflow.sdk.execution_time import task_runner

    monkeypatch.delattr(task_runner, "SUPERVISOR_COMMS", raising=False)


@pytest.fixture
def rendered(dags_folder: Any, capsys: pytest.CaptureFixture[str]) -> Callable[[str], dict[str, str]]:
    """Return a function that renders a task of a Dag file as the command does, and returns what it prints by field."""
    from airflow.cli import cli_parser
    from airflow.cli.commands import task_command
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db

    source = """
    from airflow.sdk import DAG
    from airflow_provider_cloudfn import CloudFunctionOperator, CompletionEvent

    with DAG("rendered", schedule=None):
        first = CloudFunctionOperator(task_id="first", uri='"/v1/" + run.dag_id', completion_event=CompletionEvent("x"))
        mapped = CloudFunctionOperator.partial(task_id="mapped", uri='"/v1/" + inputs').expand(inputs=["a", "b"])
        step = CloudFunctionOperator(task_id="step", uri='"/v1/" + steps.first.id')
        event = CloudFunctionOperator(task_id="event", uri='"/v1"', query={"a": 'context["x"].id'})
        several = CloudFunctionOperator(task_id="several", uri='"/v1/" + steps.mapped[0]')
        first >> [step, event]
        mapped >> several
    """
    file = dags_folder / "rendered.py"
    file.write_text(textwrap.dedent(source))
    bag = DagBag(str(file), bundle_name="dags-folder", bundle_path=dags_folder)
    DagBundlesManager().sync_bundles_to_db()
    sync_bag_to_db(bag, "dags-folder", None)

    def render(task_id: str) -> dict[str, str]:
        index = ["--map-index", "0"] if task_id == "mapped" else []
        arguments = cli_parser.get_parser().parse_args(["tasks", "render", "rendered", task_id, "2026-01-01", *index])
        capsys.readouterr()
        task_command.task_render(arguments)
        printed = capsys.readouterr().out
        return {
            name: value.strip()
            for name, value in re.findall(r"# property: (\w+)\n# -+\n(.*?)(?=# --|\Z)", printed, re.S)
        }

    return render


@pytest.mark.parametrize(("task_id", "uri"), [("first", "/v1/rendered"), ("mapped", "/v1/a")])
def test_a_task_that_reads_no_other_step_is_rendered(rendered: Any, task_id: str, uri: str) -> None:
    assert rendered(task_id)["uri"] == uri


@pytest.mark.parametrize(("task_id", "field"), [("step", "uri"), ("event", 'query["a"]'), ("several", "uri")])
def test_one_that_does_says_which_command_shows_it(rendered: Any, task_id: str, field: str) -> None:
    from airflow_provider_cloudfn.exceptions import ExpressionError

    with pytest.raises(ExpressionError) as raised:
        rendered(task_id)

    assert str(raised.value).startswith(f"{field}: reads what another step left")
    assert "airflow cloudfn render <dag_id> <task_id>" in str(raised.value)
