"""What a Dag sees of an event that came in: the same as of any other."""

from __future__ import annotations

import json
from typing import Any

import pytest

ORDER: dict[str, Any] = {"id": "evt_1", "type": "order.paid", "data": {"orderId": "1001", "total": 12.5}}


@pytest.fixture
def started_by(send: Any, dags: Any) -> Any:
    """Return a function that sends events and returns the context of the run that Airflow starts with them."""

    def start(*events: dict[str, Any]) -> Any:
        from types import SimpleNamespace

        from airflow.models.asset import AssetEvent
        from airflow.utils.session import create_session
        from sqlalchemy import select

        dags('waiting = DAG("waiting", schedule=CompletionEvent("order.paid"))')
        for event in events:
            assert send(event).status_code == 202
        with create_session() as session:
            made = [
                SimpleNamespace(
                    asset=SimpleNamespace(name=event.name, uri=event.uri),
                    extra=json.loads(json.dumps(event.extra)),
                    timestamp=event.timestamp,
                    partition_key=event.partition_key,
                    source_aliases=[],
                    **{
                        f"source_{part}": getattr(event, f"source_{part}")
                        for part in ("dag_id", "run_id", "task_id", "map_index")
                    },
                )
                for event in session.scalars(select(AssetEvent).order_by(AssetEvent.id))
            ]
        run = SimpleNamespace(consumed_asset_events=made, conf={})
        return {"dag_run": run}

    return start


def test_its_record_is_one_of_the_runs_events(started_by: Any) -> None:
    from airflow_provider_cloudfn.events.run_events import records_for

    (record,) = records_for(started_by(ORDER), "order.paid")

    assert record["result"] == ORDER["data"]
    assert record["metadata"]["sender_id"] == "evt_1"


def test_the_same_sender_s_id_of_two_sources_is_two_events_of_one_run(started_by: Any) -> None:
    from airflow_provider_cloudfn.events.run_events import event_ids, records_for

    context = started_by(ORDER, {**ORDER, "source": "/another/shop"})

    assert len(records_for(context, "order.paid")) == 2
    assert len(set(event_ids(context))) == 2
