"""Runs the Dags of order to cash and gathers what can be seen of it: in Airflow's API and in the sandbox's records."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.cli.demo.airflow_api import AirflowApi, until
from airflow_provider_cloudfn.exceptions import ResponseError
from airflow_provider_cloudfn.json_encoding import encode_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_cloudfn.sandbox import Process, RecordedRequest, Sandbox

__all__ = [
    "CONSUMER",
    "PRODUCER",
    "RECEIVES",
    "Outcome",
    "RunStory",
    "StepStory",
    "create_connections",
    "run_order_to_cash",
]

#: What lets Airflow take the events of the sandbox's processes.
RECEIVES = {"AIRFLOW__CLOUDFN__EVENT_SOURCES": "process_engine"}
PRODUCER = "charge_orders"
CONSUMER = "fulfil"
_EVENT_TYPE = "order.paid"
_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class StepStory:
    """
    One task instance.

    :param instance: As Airflow's API has it.
    :param requests: What the sandbox received while it ran.
    :param returned: What it left in XCom.
    :param log: The last lines of its log, where it failed.
    """

    instance: Mapping[str, Any]
    requests: tuple[RecordedRequest, ...]
    returned: Any
    log: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunStory:
    """
    One Dag run.

    :param run: As Airflow's API has it.
    :param steps: Its task instances, in the order in which they began.
    """

    run: Mapping[str, Any]
    steps: tuple[StepStory, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    All that happened.

    :param producer: The run of ``charge_orders``.
    :param events: The completion events that it left, as Airflow's API has them.
    :param consumers: The runs of ``fulfil`` that they started.
    :param charges: What the shop stored.
    :param processes: What Emporix started.
    """

    producer: RunStory
    events: tuple[Mapping[str, Any], ...]
    consumers: tuple[RunStory, ...]
    charges: tuple[Mapping[str, Any], ...]
    processes: tuple[Process, ...]

    def faults(self) -> list[str]:
        """Return how the consumer's result differs from the charge that the sandbox stored, and what else is wrong."""
        runs = [self.producer, *self.consumers]
        faults = [
            f"Run {story.run['dag_run_id']} of Dag {story.run['dag_id']} ended as {story.run['state']}"
            for story in runs
            if story.run["state"] != "success"
        ]
        for count, what in (
            (len(self.charges), "charges stored by the sandbox"),
            (len(self.events), "completion events"),
            (len(self.consumers), f"runs of {CONSUMER}"),
            (len(self.processes), "processes started in Emporix"),
        ):
            if count != 1:
                faults.append(f"{what}: {count}, where it is 1")
        return faults or self._differences()

    def _differences(self) -> list[str]:
        process, charge, consumer = self.processes[0], self.charges[0], self.consumers[0]
        paid = process.context.get(_EVENT_TYPE)
        received = paid.get("charge") if isinstance(paid, dict) else None
        faults = []
        if received != charge:
            faults.append(f"The process holds another charge than the shop stored: {received!r}, not {charge!r}")
        started = [
            step.returned["id"] for step in consumer.steps if isinstance(step.returned, dict) and "id" in step.returned
        ]
        if started != [process.events[0].id]:
            faults.append(f"The consumer returned the event {started!r}, Emporix has {process.events[0].id!r}")
        return faults


def create_connections(airflow: AirflowApi, sandbox: Sandbox) -> list[str]:
    """Create the connections to the sandbox that the examples use; return their ids."""
    connections = sandbox.connections()
    for conn_id, fields in connections.items():
        airflow.create("connections", json={**fields, "connection_id": conn_id, "extra": encode_json(fields["extra"])})
    return list(connections)


def run_order_to_cash(airflow: AirflowApi, sandbox: Sandbox, order_id: str) -> Outcome:
    """Run the producer for an order, wait for the consumer that its event starts, and gather what happened."""
    for dag_id in (PRODUCER, CONSUMER):
        until(partial(_ready, airflow, dag_id), _SECONDS, f"Airflow has no active Dag {dag_id}")
    run_id = airflow.trigger(PRODUCER, {"order_id": order_id})
    producer = airflow.finished_run(PRODUCER, run_id, seconds=_SECONDS)
    events: list[dict[str, Any]] = []
    consumers: list[dict[str, Any]] = []
    if producer["state"] == "success":
        events = until(lambda: _events(airflow, run_id), _SECONDS, f"no event of run {run_id} has started a Dag run")
        started = [run for event in events for run in event["created_dagruns"]]
        consumers = [airflow.finished_run(run["dag_id"], run["run_id"], seconds=_SECONDS) for run in started]
    return Outcome(
        producer=_story(airflow, sandbox, producer),
        events=tuple(events),
        consumers=tuple(_story(airflow, sandbox, run) for run in consumers),
        charges=tuple(sandbox.charges),
        processes=tuple(sandbox.processes),
    )


def _ready(airflow: AirflowApi, dag_id: str) -> bool | None:
    errors = airflow.get("importErrors")["import_errors"]
    if errors:
        raise ResponseError(
            "Airflow can't import these Dags:\n"
            + "\n".join(f"{one['filename']}:\n{one['stack_trace']}" for one in errors)
        )
    try:
        dag = airflow.get("dags", dag_id)
    except ResponseError as error:
        if error.status == 404:
            return None
        raise
    return None if dag["is_paused"] or dag["is_stale"] else True


def _events(airflow: AirflowApi, run_id: str) -> list[dict[str, Any]] | None:
    """Return the run's asset events as soon as each has started a Dag run."""
    events: list[dict[str, Any]] = airflow.get("assets", "events", source_dag_id=PRODUCER, source_run_id=run_id)[
        "asset_events"
    ]
    return events if events and all(event["created_dagruns"] for event in events) else None


def _story(airflow: AirflowApi, sandbox: Sandbox, run: Mapping[str, Any]) -> RunStory:
    steps = []
    for instance in airflow.task_instances(run["dag_id"], run["dag_run_id"]):
        failed = instance["state"] != "success"
        steps.append(
            StepStory(
                instance=instance,
                requests=tuple(one for one in sandbox.requests if _during(one.received_at, instance)),
                returned=airflow.xcom(instance, "return_value"),
                log=tuple(airflow.log_lines(instance)[-20:]) if failed and instance["start_date"] else (),
            )
        )
    return RunStory(run, tuple(steps))


def _during(moment: dt.datetime, instance: Mapping[str, Any]) -> bool:
    if not instance["start_date"] or not instance["end_date"]:
        return False
    return (
        dt.datetime.fromisoformat(instance["start_date"]) <= moment <= dt.datetime.fromisoformat(instance["end_date"])
    )
