"""Jobs whose waits are killed: how many were started, counted by the service itself; each process is ended by SIGKILL."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import TaskDeferred
from kit.forked import FileStore, kill, prepared_call, returned_by
from kit.server import Answer, LoopbackServer, Received

from airflow_provider_cloudfn import Poll
from airflow_provider_cloudfn.exceptions import OutcomeUnknownError
from airflow_provider_cloudfn.triggers.job_wait import JobTrigger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

#: Where a process ends.
WHEN_STARTED = "after the service has started the job, before its answer"
BEFORE_PLACE = "after the answer, before the job's place is written down"
WORKER_POLLS = "during a poll on the worker"
TRIGGERER_POLLS = "during a poll in the triggerer"
WORKER_RETURNS = "on the worker that goes on after the triggerer"

WORKER: dict[str, Any] = {}
TRIGGERER: dict[str, Any] = {"deferrable": True}
WAYS: dict[str, dict[str, Any]] = {
    "worker": WORKER,
    "worker, a key": {**WORKER, "idempotency_key": True},
    "triggerer": TRIGGERER,
    "triggerer, a key": {**TRIGGERER, "idempotency_key": True},
}

UNKNOWN = "unknown"

#: How many jobs were started in all, and how the task ended.
EXPECTED: dict[tuple[str, str], tuple[int, str]] = {
    ("worker", WHEN_STARTED): (1, UNKNOWN),
    ("worker", BEFORE_PLACE): (1, "job-1"),
    ("worker", WORKER_POLLS): (1, "job-1"),
    # The service knows the key, and tells of the same job.
    ("worker, a key", WHEN_STARTED): (1, "job-1"),
    ("worker, a key", BEFORE_PLACE): (1, "job-1"),
    ("worker, a key", WORKER_POLLS): (1, "job-1"),
    ("triggerer", WHEN_STARTED): (1, UNKNOWN),
    ("triggerer", BEFORE_PLACE): (1, "job-1"),
    ("triggerer", TRIGGERER_POLLS): (1, "job-1"),
    ("triggerer", WORKER_RETURNS): (1, "job-1"),
    ("triggerer, a key", WHEN_STARTED): (1, "job-1"),
    ("triggerer, a key", BEFORE_PLACE): (1, "job-1"),
    ("triggerer, a key", TRIGGERER_POLLS): (1, "job-1"),
    ("triggerer, a key", WORKER_RETURNS): (1, "job-1"),
}


class Service:
    """
    Starts a job for each POST, one for each key, and ends who asks at a given request.

    :param asking: The file that says which process asks.
    """

    def __init__(self, asking: Path) -> None:
        self.jobs: list[str] = []
        self.polls = 0
        self.kills_at: str | None = None
        self._asking = asking
        self._by_key: dict[str, str] = {}

    def reply(self, request: Received) -> Answer:
        if request.method == "POST":
            key = request.headers.get("idempotency-key")
            job = self._by_key.get(key or "") or f"job-{len(self.jobs) + 1}"
            if job not in self.jobs:
                self.jobs.append(job)
            self._by_key.update({key: job} if key else {})
            self._kill_at(WHEN_STARTED)
            return Answer.of(202, {"id": job}, {"Retry-After": "0"})
        self.polls += 1
        if self.polls == 1:
            self._kill_at(WORKER_POLLS, TRIGGERER_POLLS)
        # The triggerer was told that it is done, and the worker asks once more.
        if self.polls == 2:
            self._kill_at(WORKER_RETURNS)
        return Answer.of(200, {"state": "done", "job": request.target.rpartition("/")[2]})

    def _kill_at(self, *moments: str) -> None:
        if self.kills_at in moments:
            self.kills_at = None
            kill(int(self._asking.read_text()))


class KillingStore(FileStore):
    """A task's state whose process ends where it would write down the job's place."""

    kills = False

    def set(self, key: str, value: Any, **options: Any) -> None:
        if self.kills and key.endswith("job"):
            kill(os.getpid())
        super().set(key, value, **options)


class Airflow:
    """
    Runs the tries of a task as Airflow does, worker and triggerer each in processes of their own.

    :param folder: Where what outlives them is.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kills_before_place = False

    def run_try(self, map_index: int = -1, **parameters: Any) -> Any:
        """Return what a try ends with; None where its worker was killed. A triggerer that was killed is started anew."""
        ended = self._in_process(lambda: self._worker(map_index, parameters, None))
        if not isinstance(ended, tuple):
            return ended
        event = None
        while event is None:
            event = self._in_process(lambda: self._triggerer(ended[1]))
        return self._in_process(lambda: self._worker(map_index, parameters, event))

    def _in_process(self, work: Callable[[], Any]) -> Any:
        def announced() -> Any:
            (self.folder / "asking").write_text(str(os.getpid()))
            return work()

        return returned_by(announced)

    def _worker(self, map_index: int, parameters: dict[str, Any], event: Any) -> Any:
        store = KillingStore(self.folder / f"state{map_index}.json")
        store.kills = self.kills_before_place
        context = store.context()
        context["ti"].map_index = map_index
        ready = prepared_call(
            method="POST",
            uri='"/jobs"',
            poll=Poll(done_when='response.body.state == "done"', uri='"/jobs/" + job.body.id', every=0.01),
            returns="response.body.job",
            **parameters,
        )
        try:
            return ready.execute(context) if event is None else ready.execute_complete(context, event)
        except TaskDeferred as deferred:
            # What the database keeps of it.
            return ("deferred", deferred.trigger.serialize()[1])
        except OutcomeUnknownError:
            return UNKNOWN

    @staticmethod
    def _triggerer(row: dict[str, Any]) -> Any:
        async def first_event() -> Any:
            async for event in JobTrigger(**row).run():
                return event.payload
            raise AssertionError("a trigger ends with an event")

        return asyncio.run(first_event())


@pytest.fixture
def airflow(tmp_path: Path) -> Airflow:
    return Airflow(tmp_path)


@pytest.fixture
def service(airflow: Airflow, connection: Callable[..., None], outside_airflow: None) -> Iterator[Service]:
    made = Service(airflow.folder / "asking")
    with LoopbackServer(reply=made.reply) as server:
        connection("service", conn_type="cloudfn", host=server.url)
        yield made


def killed_once(airflow: Airflow, service: Service, killed_at: str, **parameters: Any) -> Any:
    """Return what a task ends with, one of whose processes is killed, and which is tried again where that was a worker."""
    service.kills_at = killed_at
    airflow.kills_before_place = killed_at == BEFORE_PLACE
    ended = airflow.run_try(**parameters)
    assert (ended is None) is (killed_at != TRIGGERER_POLLS)
    assert service.kills_at in (None, BEFORE_PLACE)
    airflow.kills_before_place = False
    return airflow.run_try(**parameters) if ended is None else ended


@pytest.mark.parametrize(("way", "killed_at"), EXPECTED, ids=lambda value: value)
def test_a_job_whose_wait_is_killed_is_started_once(
    airflow: Airflow, service: Service, way: str, killed_at: str
) -> None:
    jobs, end = EXPECTED[way, killed_at]

    ended = killed_once(airflow, service, killed_at, **WAYS[way])

    assert (len(service.jobs), ended) == (jobs, end)


@pytest.mark.parametrize(
    ("way", "killed_at"),
    [("worker, a key", WORKER_POLLS), ("triggerer", TRIGGERER_POLLS), ("triggerer, a key", WORKER_RETURNS)],
)
def test_the_instances_of_a_mapped_step_have_each_their_own_job(
    airflow: Airflow, service: Service, way: str, killed_at: str
) -> None:
    first = killed_once(airflow, service, killed_at, map_index=0, **WAYS[way])
    second = airflow.run_try(map_index=1, **WAYS[way])

    assert [first, second] == service.jobs == ["job-1", "job-2"]
