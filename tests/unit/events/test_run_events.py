"""Which events a run has: those that started it, and by hand what its conf gives."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_cloudfn import CompletionEvent
from airflow_provider_cloudfn.events.run_events import triggering_records


@pytest.mark.parametrize(
    ("conf", "results"),
    [
        ({"context": {"order.placed": {"id": 7}}}, [{"id": 7}]),
        ({"context": {"order.seen": {"id": 8}, "order.placed": {"id": 7}}}, [{"id": 7}]),
        ({"context": "order.placed"}, []),
        ({}, []),
    ],
)
def test_a_run_by_hand_has_the_events_of_its_conf_that_its_dag_waits_for(
    conf: dict[str, Any], results: list[Any]
) -> None:
    with DAG("big_orders", schedule=[CompletionEvent("order.placed")]) as dag:
        pass
    context: Any = {"dag": dag, "dag_run": SimpleNamespace(conf=conf, run_id="by hand", consumed_asset_events=[])}

    assert [record["result"] for record in triggering_records(context)] == results
