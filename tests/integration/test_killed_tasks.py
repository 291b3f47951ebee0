"""
Tasks that are killed: how often the service did what it was asked for, counted by the service itself.

Each try is a process of its own, forked as Airflow forks tasks, and ended by SIGKILL; what one leaves for the next is in a file.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from kit.forked import FileStore, kill, prepared_call, returned_by
from kit.server import Answer, LoopbackServer, Received

from airflow_provider_cloudfn import Confirm
from airflow_provider_cloudfn.exceptions import OutcomeUnknownError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

#: Where a task is killed.
BEFORE_INTENT = "before it says what it will send"
BEFORE_SENDING = "before it sends"
WHEN_IT_ARRIVED = "after the service got it"
BEFORE_JOURNAL = "after the answer, before that is written down"
BEFORE_SUCCESS = "after that, before success"

WAYS: dict[str, dict[str, Any]] = {
    "fail": {},
    "resend": {"on_unknown": "resend"},
    "Confirm": {
        "on_unknown": Confirm(
            uri='"/effects"',
            query={"name": "run.id"},
            done_when="size(response.body) > 0",
            returns='{"id": response.body[0]}',
        )
    },
    "a key": {"idempotency_key": True},
    "a key, resend": {"idempotency_key": True, "on_unknown": "resend"},
    "without a journal (3.2)": {},
}

DONE, UNKNOWN = "done", "unknown"

#: How often it was done, and how the second try ended.
EXPECTED: dict[tuple[str, str], tuple[int, str]] = {
    ("fail", BEFORE_INTENT): (1, DONE),
    ("fail", BEFORE_SENDING): (0, UNKNOWN),
    ("fail", WHEN_IT_ARRIVED): (1, UNKNOWN),
    ("fail", BEFORE_JOURNAL): (1, UNKNOWN),
    ("fail", BEFORE_SUCCESS): (1, DONE),
    ("resend", BEFORE_INTENT): (1, DONE),
    ("resend", BEFORE_SENDING): (1, DONE),
    ("resend", WHEN_IT_ARRIVED): (2, DONE),
    ("resend", BEFORE_JOURNAL): (2, DONE),
    ("resend", BEFORE_SUCCESS): (1, DONE),
    ("Confirm", BEFORE_INTENT): (1, DONE),
    ("Confirm", BEFORE_SENDING): (1, DONE),
    ("Confirm", WHEN_IT_ARRIVED): (1, DONE),
    ("Confirm", BEFORE_JOURNAL): (1, DONE),
    ("Confirm", BEFORE_SUCCESS): (1, DONE),
    # With a key the service knows the second request for the first one; nothing is written down, so two moments are no more.
    ("a key", WHEN_IT_ARRIVED): (1, DONE),
    ("a key", BEFORE_SUCCESS): (1, DONE),
    ("a key, resend", WHEN_IT_ARRIVED): (1, DONE),
    ("a key, resend", BEFORE_SUCCESS): (1, DONE),
    # As it was before there was a journal.
    ("without a journal (3.2)", WHEN_IT_ARRIVED): (2, DONE),
    ("without a journal (3.2)", BEFORE_SUCCESS): (2, DONE),
}


class Service:
    """Does something for each POST, once for each key, and can kill who asks before he hears of it."""

    def __init__(self) -> None:
        self.effects: list[str] = []
        self.kills = False
        self._by_key: dict[str, str] = {}

    def reply(self, request: Received) -> Answer:
        if request.method == "GET":
            return Answer.of(200, self.effects)
        key = request.headers.get("idempotency-key")
        if key is None or key not in self._by_key:
            self.effects.append(f"effect-{len(self.effects) + 1}")
        done = self._by_key.setdefault(key, self.effects[-1]) if key else self.effects[-1]
        if self.kills:
            self.kills = False
            kill(int(request.headers["x-process"]))
        return Answer.of(201, {"id": done})


class KillingStore(FileStore):
    """A task's state whose process is killed where it writes."""

    def __init__(self, file: Path, killed_at: str | None) -> None:
        super().__init__(file)
        self.killed_at = killed_at
        self.writes = 0

    def set(self, key: str, value: Any, **options: Any) -> None:
        self.writes += 1
        if (self.killed_at, self.writes) in {(BEFORE_INTENT, 1), (BEFORE_JOURNAL, 2)}:
            kill(os.getpid())
        super().set(key, value, **options)
        if (self.killed_at, self.writes) == (BEFORE_SENDING, 1):
            kill(os.getpid())


def run_try(way: str, file: Path, killed_at: str | None = None) -> Any:
    """Return what a try ends with; None for one that was killed."""

    def one_try() -> Any:
        context = KillingStore(file, killed_at).context()
        if way.startswith("without"):
            del context["task_state_store"]
        parameters = {"headers": {"X-Process": f'"{os.getpid()}"'}, **WAYS[way]}
        try:
            returned = prepared_call(method="POST", uri='"/do"', **parameters).execute(context)
        except OutcomeUnknownError:
            returned = UNKNOWN
        if killed_at == BEFORE_SUCCESS:
            kill(os.getpid())
        return returned

    return returned_by(one_try)


@pytest.fixture
def service(connection: Callable[..., None], outside_airflow: None) -> Iterator[Service]:
    made = Service()
    with LoopbackServer(reply=made.reply) as server:
        connection("service", conn_type="cloudfn", host=server.url)
        yield made


@pytest.mark.parametrize(("way", "killed_at"), EXPECTED, ids=lambda value: value)
def test_a_task_that_is_killed_has_done_it(service: Service, tmp_path: Path, way: str, killed_at: str) -> None:
    effects, end = EXPECTED[way, killed_at]
    service.kills = killed_at == WHEN_IT_ARRIVED
    assert run_try(way, tmp_path / "state.json", killed_at) is None

    returned = run_try(way, tmp_path / "state.json")

    assert len(service.effects) == effects
    assert (UNKNOWN if returned == UNKNOWN else DONE) == end
    if end == DONE:
        # It has the answer, whoever asked for it.
        assert returned == {"id": f"effect-{effects}"}


@pytest.mark.parametrize("way", ["fail", "Confirm"])
def test_a_third_try_knows_as_much_as_the_second(service: Service, tmp_path: Path, way: str) -> None:
    service.kills = True
    run_try(way, tmp_path / "state.json", WHEN_IT_ARRIVED)

    second = run_try(way, tmp_path / "state.json")
    third = run_try(way, tmp_path / "state.json")

    assert second == third
    assert len(service.effects) == 1


def test_a_killed_task_leaves_no_call_record(service: Service, tmp_path: Path) -> None:
    pushed = tmp_path / "pushed"

    def one_try() -> Any:
        context = FileStore(tmp_path / "state").context()
        context["ti"].xcom_push = lambda key, value: pushed.write_text(key)
        headers = {"X-Process": f'"{os.getpid()}"'}
        return prepared_call(method="POST", uri='"/do"', headers=headers, do_xcom_push=True).execute(context)

    service.kills = True

    assert returned_by(one_try) is None
    assert not pushed.exists()
