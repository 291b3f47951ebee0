"""When the demo is right."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_cloudfn.cli.demo.order_to_cash import Outcome, RunStory, StepStory
from airflow_provider_cloudfn.sandbox.processes import ProcessEngine, ReceivedEvent

if TYPE_CHECKING:
    from airflow_provider_cloudfn.sandbox import Process

CHARGE = {"id": "ch_1", "amount": 129.5}


def process(payload: Any, event_id: str = "e-1") -> Process:
    event = ReceivedEvent(
        id=event_id,
        type="order.paid",
        source="airflow/fulfil",
        subject=None,
        case_id=None,
        time=dt.datetime.now(dt.UTC).isoformat(),
        instance_id=None,
        request_id="req_1",
        payload=payload,
    )
    return ProcessEngine().start(event)


def run(dag_id: str, state: str = "success", returned: Any = None) -> RunStory:
    step = StepStory(instance={"task_id": "t"}, requests=(), returned=returned, log=())
    return RunStory({"dag_id": dag_id, "dag_run_id": "r", "state": state}, (step,))


def outcome(**changed: Any) -> Outcome:
    right: dict[str, Any] = {
        "producer": run("charge_orders"),
        "events": ({"extra": {}},),
        "consumers": (run("fulfil", returned={"id": "e-1"}),),
        "charges": (CHARGE,),
        "processes": (process({"orderId": "1001", "charge": CHARGE}),),
    }
    return Outcome(**(right | changed))


def test_a_process_with_the_stored_charge_is_right() -> None:
    assert outcome().faults() == []


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"charges": ({**CHARGE, "amount": 129.51},)}, "another charge than the shop stored"),
        ({"charges": ({**CHARGE, "more": None},)}, "another charge than the shop stored"),
        ({"processes": (process({"orderId": "1001"}),)}, "another charge than the shop stored"),
        ({"processes": (process([CHARGE]),)}, "another charge than the shop stored"),
        ({"processes": (process({"charge": CHARGE}, event_id="e-2"),)}, "Emporix has 'e-2'"),
        ({"producer": run("charge_orders", "failed")}, "Run r of Dag charge_orders ended as failed"),
        ({"consumers": (run("fulfil", "failed"),)}, "Run r of Dag fulfil ended as failed"),
        ({"charges": ()}, "charges stored by the sandbox: 0, where it is 1"),
        ({"charges": (CHARGE, CHARGE)}, "charges stored by the sandbox: 2, where it is 1"),
        ({"events": ()}, "completion events: 0"),
        ({"consumers": ()}, "runs of fulfil: 0"),
        ({"processes": ()}, "processes started in Emporix: 0"),
    ],
)
def test_everything_else_is_told(changed: dict[str, Any], fault: str) -> None:
    assert fault in "\n".join(outcome(**changed).faults())
