"""Templates in what is rehearsed: they read what Airflow has where the command runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DAG = """
from airflow.sdk import DAG
from airflow_provider_cloudfn import CloudFunctionOperator

with DAG("tell_the_team", schedule=None):
    CloudFunctionOperator(
        task_id="tell", cloudfn_conn_id="slack", method="POST", uri="inputs.path", query={"d": "inputs.day"}, body={},
        inputs={"path": "{{ var.value.slack_webhook_secret }}", "day": "{{ macros.ds_add(ds, 1) }}"},
    )
"""
PATH = "/services/T0001/hard-to-guess"


@pytest.fixture
def tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    (tmp_path / "tell.py").write_text(DAG)
    monkeypatch.setenv("AIRFLOW_VAR_SLACK_WEBHOOK_SECRET", PATH)
    return ("tell_the_team", "tell", "--file", str(tmp_path / "tell.py"))


def test_a_template_reads_variables_and_macros(cloudfn: Callable[..., Any], tell: tuple[str, ...]) -> None:
    ended = cloudfn("render", *tell, "--json")

    assert ended.code == 0, ended.err
    assert ended.document["request"]["query"] == {"d": "2026-01-02"}


@pytest.mark.parametrize(
    "command", [("render",), ("test", "--mock", "timeout"), ("test", "--mock", "404"), ("test", "--mock", "200")]
)
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_variable_that_airflow_hides_is_hidden_in_the_address(
    cloudfn: Callable[..., Any], tell: tuple[str, ...], command: tuple[str, ...], form: tuple[str, ...]
) -> None:
    ended = cloudfn(command[0], *tell, *command[1:], *form)

    assert "***" in ended.out
    assert PATH not in ended.out + ended.err


def test_a_variable_that_is_not_there_is_no_traceback(
    cloudfn: Callable[..., Any], tell: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIRFLOW_VAR_SLACK_WEBHOOK_SECRET")

    ended = cloudfn("render", *tell)

    assert ended.code == 1
    assert "slack_webhook_secret" in ended.err
    assert "define it here, or give 'inputs' in the sample" in ended.err
