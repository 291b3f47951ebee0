"""The completion event among a task's outlets, as Airflow serializes it."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import DAG, Asset

from airflow_provider_cloudfn import CloudFunctionOperator, CompletionEvent, EmporixStartOperator, cel, lit

EVENT = CompletionEvent("charge.created")


def serialized_task(dag: DAG, task_id: str = "call") -> dict[str, Any]:
    from airflow.serialization.serialized_objects import DagSerialization

    data = DagSerialization.to_dict(dag)["dag"]
    (found,) = (task["__var"] for task in data["tasks"] if task["__var"]["task_id"] == task_id)
    return dict(found)


def outlet_names(task: dict[str, Any]) -> list[str]:
    outlets = task.get("outlets") or task.get("partial_kwargs", {}).get("outlets") or []
    return [outlet.get("__var", outlet)["name"] for outlet in outlets]


def test_a_task_produces_its_event() -> None:
    with DAG("d", schedule=None) as dag:
        CloudFunctionOperator(task_id="call", uri='"/v1"', completion_event=EVENT)

    assert outlet_names(serialized_task(dag)) == ["charge.created"]


def test_a_mapped_task_produces_its_event() -> None:
    with DAG("d", schedule=None) as dag:
        CloudFunctionOperator.partial(task_id="call", uri='"/v1"', completion_event=EVENT).expand(inputs=[1, 2])

    assert outlet_names(serialized_task(dag)) == ["charge.created"]


@pytest.mark.parametrize("outlets", [[Asset("other")], (Asset("other"),), [Asset("other"), EVENT]])
def test_other_outlets_stay_and_none_is_doubled(outlets: Any) -> None:
    with DAG("d", schedule=None) as dag:
        CloudFunctionOperator(task_id="call", uri='"/v1"', completion_event=EVENT, outlets=outlets)
        CloudFunctionOperator.partial(task_id="mapped", uri='"/v1"', completion_event=EVENT, outlets=outlets).expand(
            inputs=[1]
        )

    assert outlet_names(serialized_task(dag)) == ["other", "charge.created"]
    assert outlet_names(serialized_task(dag, "mapped")) == ["other", "charge.created"]


def test_the_default_of_other_tasks_is_left_alone() -> None:
    given: list[Any] = []
    with DAG("d", schedule=None) as dag:
        CloudFunctionOperator(task_id="call", uri='"/v1"', completion_event=EVENT, outlets=given)
        CloudFunctionOperator(task_id="other", uri='"/v1"')
        CloudFunctionOperator.partial(task_id="mapped", uri='"/v1"').expand(inputs=[1])

    assert given == []
    assert outlet_names(serialized_task(dag, "other")) == []
    assert outlet_names(serialized_task(dag, "mapped")) == []


def test_an_ordinary_asset_can_be_the_event() -> None:
    with DAG("d", schedule=None) as dag:
        EmporixStartOperator(task_id="call", event_type="order.paid", completion_event=Asset("started"))

    assert outlet_names(serialized_task(dag)) == ["started"]


def test_marks_can_be_serialized() -> None:
    with DAG("d", schedule=None) as dag:
        CloudFunctionOperator(task_id="call", uri=lit("/v1"), body={"a": [cel("run.id")]})

    task = serialized_task(dag)
    assert task["body"]
    assert task["uri"]


def test_every_template_field_is_an_attribute_of_the_same_name() -> None:
    call = CloudFunctionOperator(task_id="call", uri='"/v1"')
    start = EmporixStartOperator(task_id="start", event_type="order.paid")

    for task in (call, start):
        assert set(task.template_fields) <= vars(task).keys()
        assert {field.name for field in task.authored_parameters} <= vars(task).keys()


def test_the_functions_name_is_what_the_ui_shows() -> None:
    with DAG("d", schedule=None) as dag:
        CloudFunctionOperator(task_id="call", uri='"/v1"', function_name="Fetch the order")
        CloudFunctionOperator.partial(task_id="mapped", uri='"/v1"', function_name="Fetch them").expand(inputs=[1])
        CloudFunctionOperator(task_id="other", uri='"/v1"', function_name="a", task_display_name="b")

    assert [dag.task_dict[name].task_display_name for name in ("call", "mapped", "other")] == [
        "Fetch the order", "Fetch them", "b",
    ]  # fmt: skip
