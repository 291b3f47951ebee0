"""The link from a task instance to its call, as Airflow's API server gives it to the UI: from a serialized Dag."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG
from kit.server import Answer

import airflow_provider_cloudfn
from airflow_provider_cloudfn import (
    CloudFunctionHttpSensor,
    CloudFunctionOperator,
    CloudFunctionSensor,
    EmporixCompleteOperator,
    EmporixProcessContextOperator,
    EmporixResumeOperator,
    EmporixStartOperator,
    EventPublishOperator,
)
from airflow_provider_cloudfn.operators.call_link import CallLink
from airflow_provider_cloudfn.operators.decorated import DecoratedCloudFunction
from airflow_provider_cloudfn.operators.recorded_task import RecordedTask
from airflow_provider_cloudfn.plugin.airflow_plugin import _CALLERS
from airflow_provider_cloudfn.provider_info import get_provider_info

if TYPE_CHECKING:
    from collections.abc import Callable

EVENT = {"event_type": "a"}
INSTANCE = {**EVENT, "instance_id": "i"}
OURS: dict[type[Any], dict[str, Any]] = {
    CloudFunctionOperator: {"uri": '"/a"'},
    CloudFunctionSensor: {"uri": '"/a"'},
    CloudFunctionHttpSensor: {"endpoint": "/a"},
    EventPublishOperator: {"uri": '"/a"', "event_type": "a"},
    EmporixStartOperator: EVENT,
    EmporixProcessContextOperator: {"instance_id": "i"},
    EmporixResumeOperator: INSTANCE,
    EmporixCompleteOperator: {**INSTANCE, "execution_id": "e", "scenario_id": "s"},
}


def test_every_operator_that_makes_calls_is_in_the_table() -> None:
    def below(kind: type[Any]) -> set[type[Any]]:
        return {kind}.union(*map(below, kind.__subclasses__()))

    # Those that a person writes: the rest is what they have in common, or made for a test.
    written = {kind for kind in below(RecordedTask) if getattr(airflow_provider_cloudfn, kind.__name__, None) is kind}
    assert written == set(OURS)


def deserialized(dag: DAG) -> Any:
    from airflow.serialization.serialized_objects import DagSerialization

    return DagSerialization.from_dict(DagSerialization.to_dict(dag))


@pytest.mark.parametrize("operator", OURS, ids=lambda one: one.__name__)
@pytest.mark.parametrize("is_mapped", [False, True], ids=["plain", "mapped"])
def test_every_task_of_ours_has_it(operator: type[Any], is_mapped: bool) -> None:
    with DAG("linked", schedule=None) as dag:
        if is_mapped:
            operator.partial(task_id="call", **OURS[operator]).expand(doc=["a", "b"])
        else:
            operator(task_id="call", **OURS[operator])

    assert deserialized(dag).get_task("call").extra_links == ["Call"]


def test_a_decorated_function_has_it_too() -> None:
    from airflow.sdk import task

    with DAG("linked", schedule=None) as dag:

        @task.cloudfn(uri='"/a"')  # type: ignore[attr-defined, untyped-decorator, unused-ignore]  # Airflow finds it at run time
        def call() -> dict[str, Any]:
            return {}

        call()

    assert deserialized(dag).get_task("call").extra_links == ["Call"]


def test_airflow_knows_its_class() -> None:
    assert get_provider_info()["extra-links"] == [f"{CallLink.__module__}.{CallLink.__qualname__}"]


@pytest.mark.parametrize("base", ["http://localhost:8080", "https://example.com/air/flow/"], ids=["root", "prefix"])
def test_it_leads_below_airflows_own_address(
    run_dag: Callable[..., Any],
    serve: Callable[..., Any],
    connection: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    base: str,
) -> None:
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select

    monkeypatch.setenv("AIRFLOW__API__BASE_URL", base)
    connection("service", conn_type="cloudfn", host=serve(reply=lambda request: Answer()).url)

    with DAG("linked", schedule=None) as dag:
        CloudFunctionOperator.partial(task_id="call", cloudfn_conn_id="service").expand(uri=['"/a"', '"/b"'])
    result = run_dag(
        """
        from airflow.sdk import DAG
        from airflow_provider_cloudfn import CloudFunctionOperator
        with DAG("linked", schedule=None) as dag:
            CloudFunctionOperator.partial(task_id="call", cloudfn_conn_id="service", uri='"/a"').expand(inputs=["a", "b"])
        """,
        "linked",
    )

    step = deserialized(dag).get_task("call")
    with create_session() as session:
        instances = session.scalars(select(TaskInstance).filter_by(dag_id="linked", run_id=result.run_id)).all()
        links = sorted(step.get_extra_links(one, "Call") for one in instances)
    prefix = "" if base.endswith("8080") else "/air/flow"
    run = result.run_id.replace(":", "%3A").replace("+", "%2B")
    assert links == [f"{prefix}/cloudfn/calls/linked/{run}/call/{index}" for index in (0, 1)]


def test_airflow_s_tab_is_for_all_that_have_the_link() -> None:
    decorated = {DecoratedCloudFunction.__name__, DecoratedCloudFunction.custom_operator_name}

    assert set(_CALLERS) == {one.__name__ for one in OURS} | decorated
