"""Every block of code in the README does what it says."""

from __future__ import annotations

import json
import os
import re
import runpy
import shlex
import subprocess
import sys
import textwrap
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_cloudfn.connections.cloudfn_form import CLOUDFN_FORM
from airflow_provider_cloudfn.connections.forms import FORMS
from airflow_provider_cloudfn.events.record import CompletionRecord
from airflow_provider_cloudfn.testing import run

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_cloudfn.connections.form import ConnectionForm

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
EXAMPLES = {file.stem: file.read_text() for file in sorted((ROOT / "example_dags").glob("*.py"))}


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, its text, where it begins, what it is, and of which name."""

    language: str
    text: str
    line: int
    kind: str | None
    name: str | None

    def __str__(self) -> str:
        return f"line {self.line}"


def blocks() -> list[Block]:
    found = []
    fence = r"(?:<!-- (example|file|failure): ([\w.]+) -->\n)?^```(\w*)\n(.*?)^```$"
    for match in re.finditer(fence, README, re.MULTILINE | re.DOTALL):
        kind, name, language, text = match.groups()
        line = README.count("\n", 0, match.start(4)) + 1
        found.append(Block(language, text, line, kind, name))
    return found


BLOCKS = blocks()


def of(language: str, kind: str | None = None) -> list[Block]:
    return [block for block in BLOCKS if (block.language, block.kind) == (language, kind)]


def region(name: str) -> str:
    for text in EXAMPLES.values():
        if found := re.search(rf"^ *# \[START {name}\]\n(.*?)^ *# \[END {name}\]$", text, re.MULTILINE | re.DOTALL):
            return textwrap.dedent(found.group(1))
    raise AssertionError(f"no example has a region {name}")


def test_every_block_is_of_a_kind_that_is_tested_here() -> None:
    assert {block.language for block in BLOCKS} <= {"python", "sh", "json", "text", "yaml"}
    assert all(block.kind == "file" for block in BLOCKS if block.language == "yaml")


@pytest.mark.parametrize("block", of("python", "example"), ids=str)
def test_a_quoted_example_is_the_example(block: Block) -> None:
    assert block.text == region(str(block.name))


@pytest.mark.parametrize("name", re.findall(r"# \[START (\w+)\]", "".join(EXAMPLES.values())))
def test_every_region_of_an_example_is_quoted(name: str) -> None:
    assert f"<!-- example: {name} -->" in README


@pytest.mark.parametrize("block", of("python"), ids=str)
def test_a_dag_of_the_readme_runs(block: Block, run_dag: Callable[..., Any], sandbox: Any) -> None:
    conf = {"context": {"customer.scored": {"customer": "c-1", "score": 80}, "charge.created": {"orderId": "1001"}}}

    result = run_dag(block.text, run_conf=conf)

    assert result.state == "success"


@pytest.mark.parametrize("block", of("json"), ids=str)
def test_the_record_of_the_readme_is_a_record(block: Block) -> None:
    given = json.loads(block.text)

    assert CompletionRecord.from_dict(given).to_dict() == given


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.connection_type)
def test_the_table_of_a_connections_fields_is_that_of_its_form(form: ConnectionForm) -> None:
    shown_before = None if form is CLOUDFN_FORM else CLOUDFN_FORM

    assert f"<!-- fields: {form.connection_type} -->\n{form.markdown_table(shown_before)}\n\n" in README


def commands() -> list[tuple[int, list[str]]]:
    found = []
    for block in of("sh"):
        joined = block.text.replace("\\\n", " ")
        found += [(block.line, shlex.split(line)) for line in joined.splitlines() if line.strip()]
    return found


def settings_of(conn_id: str) -> Any:
    """Return a connection as its hook reads it, from where the command has put it."""
    from airflow.models.connection import Connection
    from airflow.utils.session import create_session
    from sqlalchemy import select

    from airflow_provider_cloudfn.hooks.amazon_connect import AmazonConnectHook
    from airflow_provider_cloudfn.hooks.cloudfn import CloudFunctionHook
    from airflow_provider_cloudfn.hooks.emporix import EmporixHook

    with create_session() as session:
        conn = session.scalar(select(Connection).where(Connection.conn_id == conn_id))
        assert conn is not None
        hooks = {hook.conn_type: hook for hook in (CloudFunctionHook, AmazonConnectHook, EmporixHook)}
        return hooks[str(conn.conn_type)].settings_class.from_connection(conn)


@pytest.fixture
def workplace(tmp_path: Path, example_dags: Path) -> Path:
    """Return a folder with the example Dags and the files of the README."""
    (tmp_path / "example_dags").symlink_to(example_dags)
    for block in BLOCKS:
        if block.kind == "file":
            (tmp_path / str(block.name)).write_text(block.text)
    return tmp_path


@pytest.mark.parametrize(("line", "command"), commands())
def test_a_command_of_the_readme_works(line: int, command: list[str], airflow_database: None, workplace: Path) -> None:
    match command:
        case ["airflow", "cloudfn", *_]:
            airflow = Path(sys.executable).with_name("airflow")
            subprocess.run([airflow, *command[1:]], check=True, cwd=workplace, timeout=120)
        case ["pytest", *_]:
            home = {**os.environ, "AIRFLOW__CORE__DAGS_FOLDER": str(workplace / "example_dags")}
            subprocess.run([sys.executable, "-m", *command], check=True, cwd=workplace, env=home, timeout=120)
        case ["make", target, *_]:
            assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
        case ["pip", "install", name]:
            assert name == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["name"]
        case ["airflow", "connections", "add", conn_id, *_]:
            airflow = Path(sys.executable).with_name("airflow")
            subprocess.run([airflow, "connections", "delete", conn_id], check=False, capture_output=True, timeout=120)
            subprocess.run([airflow, *command[1:]], check=True, env=os.environ, timeout=120)
            assert settings_of(conn_id)
        case _:
            raise AssertionError(f"README line {line}: no test knows what {command} should do")


@pytest.mark.parametrize("block", of("text"), ids=str)
def test_an_error_of_the_readme_is_what_airflow_shows(block: Block, import_errors: Callable[[str], str]) -> None:
    shown = import_errors("""
        from airflow.sdk import DAG
        from airflow_provider_cloudfn import CloudFunctionOperator

        with DAG("charge_orders", schedule=None):
            CloudFunctionOperator(task_id="fetch_order", uri='"/v1/orders/1001"')
            CloudFunctionOperator(
                task_id="charge", method="POST", uri='"/v1/charges"', body='{"amount": steps.fetch_order.total}'
            )
    """)

    assert block.text.strip() in shown


@pytest.mark.one_run_per_event
@pytest.mark.parametrize("block", of("text", "failure"), ids=str)
def test_a_failure_of_the_readme_is_what_the_task_says(block: Block) -> None:
    answers = {"charge": {"status": 402, "headers": {"X-Request-Id": "req-7f3a"}, "body": {"error": "card declined"}}}
    fetched = {"id": "1001", "total": 42, "customer": {"id": "c-1"}}
    examples = runpy.run_path(str(ROOT / "example_dags" / "order_to_cash.py"))

    error = run(
        examples[str(block.name)],
        responses=answers[str(block.name)],
        steps={"fetch_order": fetched},
        connection={"conn_type": "cloudfn", "host": "https://api.example.com"},
    ).error

    assert f"{type(error).__name__}: {error}\n" == block.text
