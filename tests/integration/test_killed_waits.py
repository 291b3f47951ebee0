"""Steps that call and wait, and are killed: how often the service was asked, and whether the event is found all the same."""

from __future__ import annotations

import datetime as dt
import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

import pytest
from kit.forked import FileStore, kill, prepared_call, returned_by
from kit.server import Answer, LoopbackServer, Received

from airflow_provider_cloudfn import CompletionEvent, WaitFor
from airflow_provider_cloudfn.exceptions import OutcomeUnknownError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SHIPPED = CompletionEvent("order.shipped")
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
UNKNOWN = "unknown"

#: After which of its writes the first try is killed; how often the service was asked by then and later, and what the step ends with.
EXPECTED: dict[str, tuple[int, int, Any]] = {
    "its place among the events is written": (1, 1, {"order": "1"}),
    "what it will send is written": (2, 0, UNKNOWN),
    "the answer is written": (3, 1, {"order": "1"}),
    "what it waits for is written": (4, 1, {"order": "1"}),
}


class KillingStore(FileStore):
    """A task's state whose process is killed after some writes."""

    def __init__(self, file: Path, writes: int | None) -> None:
        super().__init__(file)
        self.left = writes

    def set(self, key: str, value: Any, **options: Any) -> None:
        super().set(key, value, **options)
        if self.left is not None:
            self.left -= 1
            if self.left == 0:
                kill(os.getpid())


class Inlets:
    """What Airflow says of the events of an asset."""

    def __init__(self, orders: list[str]) -> None:
        self._orders = orders

    def __getitem__(self, _: Any) -> Self:
        return self

    def after(self, _: str) -> Self:
        return self

    def ascending(self, _ascending: bool = True) -> Self:
        return self

    def limit(self, _: int) -> Self:
        return self

    def __iter__(self) -> Iterator[Any]:
        asset = SimpleNamespace(name=SHIPPED.name, uri=SHIPPED.uri)
        source = dict.fromkeys(("source_dag_id", "source_run_id", "source_task_id", "source_map_index"))
        for number, order in enumerate(self._orders):
            yield SimpleNamespace(id=number, timestamp=NOW, asset=asset, extra={"order": order}, **source)


@pytest.fixture
def asked(connection: Callable[..., None], outside_airflow: None) -> Iterator[list[Received]]:
    received: list[Received] = []

    def reply(request: Received) -> Answer:
        received.append(request)
        return Answer.of(202, {"id": str(len(received))})

    with LoopbackServer(reply=reply) as server:
        connection("service", conn_type="cloudfn", host=server.url)
        yield received


def run_try(file: Path, orders: list[str], writes: int | None = None) -> Any:
    """Return what a try ends with; None for one that was killed."""

    def one_try() -> Any:
        context = KillingStore(file, writes).context(inlet_events=Inlets(orders))
        context["dag_run"].start_date = NOW
        wait_for = WaitFor(SHIPPED, match="event.result.order == response.body.id", timeout=5)
        try:
            return prepared_call(method="POST", uri='"/do"', wait_for=wait_for).execute(context)
        except OutcomeUnknownError:
            return UNKNOWN

    return returned_by(one_try)


@pytest.mark.parametrize("killed", EXPECTED)
def test_a_step_that_is_killed_goes_on_waiting_and_sends_nothing_twice(
    asked: list[Received], tmp_path: Path, killed: str
) -> None:
    writes, sent, ends = EXPECTED[killed]
    file = tmp_path / "state.json"
    assert run_try(file, ["of another"], writes) is None

    # What came while nobody ran counts.
    returned = run_try(file, ["of another", "1"])

    assert returned == ends
    assert len(asked) == sent
