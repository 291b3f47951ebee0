"""What a custom XCom backend has put elsewhere is read as a task reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from airflow.sdk import conf

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DAG = """
from airflow.sdk import DAG
from airflow_provider_cloudfn import CloudFunctionOperator

with DAG("kept_elsewhere", schedule=None):
    order = CloudFunctionOperator(task_id="order", cloudfn_conn_id="shop", uri='"/v1/orders/1001"', returns="response.body.id")
    order >> CloudFunctionOperator(
        task_id="report", cloudfn_conn_id="shop", method="POST", uri='"/v1/reports"', body='{"order": steps.order}'
    )
"""


class Elsewhere:
    """A backend that has the value, whatever stands in the row."""

    kept: ClassVar[dict[tuple[str, str], Any]] = {}

    @classmethod
    def deserialize_value(cls, row: Any) -> Any:
        return cls.kept[row.task_id, row.key]


@pytest.fixture
def kept_elsewhere(
    run_dag: Callable[..., Any], sandbox: Any, dags_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, ...]:
    """Run a Dag, let what it left be elsewhere, and return the arguments that name its second task."""
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    result = run_dag(DAG, "kept_elsewhere")
    assert result.state == "success"
    with create_session() as session:
        rows = session.scalars(select(XComModel).filter_by(dag_id="kept_elsewhere"))
        kept = {(row.task_id, row.key): row.value for row in rows}
    kept["order", "return_value"] = "kept-1001"
    monkeypatch.setattr(Elsewhere, "kept", kept)
    real = conf.getimport
    monkeypatch.setattr(
        conf, "getimport", lambda *option, **more: Elsewhere if "xcom_backend" in option else real(*option, **more)
    )
    return ("kept_elsewhere", "report", "--file", str(dags_folder), "--run-id", result.run_id)


def test_a_step_sees_what_it_saw(cloudfn: Callable[..., Any], kept_elsewhere: tuple[str, ...]) -> None:
    ended = cloudfn("render", *kept_elsewhere, "--json")

    assert ended.code == 0, ended.err
    assert ended.document["request"]["body"] == {"order": "kept-1001"}


def test_records_of_calls_are_there(cloudfn: Callable[..., Any], kept_elsewhere: tuple[str, ...]) -> None:
    ended = cloudfn("calls", "kept_elsewhere")

    assert ended.err == ""
    assert "/v1/reports" in ended.out


def test_a_reference_is_no_value_where_the_backend_can_not_read_it(
    cloudfn: Callable[..., Any], kept_elsewhere: tuple[str, ...]
) -> None:
    Elsewhere.kept.clear()

    ended = cloudfn("render", *kept_elsewhere)

    assert ended.code == 1
    assert "what step 'order' left in XCom can't be read here" in ended.err
    assert "a call record" not in ended.out
    assert "can't be read here" in cloudfn("calls", "kept_elsewhere").err
