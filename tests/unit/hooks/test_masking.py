from __future__ import annotations

import asyncio
import json
import sys
import threading
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import pytest
from airflow.sdk import log
from airflow.sdk._shared.secrets_masker import redact, reset_secrets_masker
from airflow.sdk.execution_time import comms, task_runner
from kit.forked import returned_by

from airflow_provider_cloudfn.hooks.masking import amask_secrets, appearances, mask_obtained_secret, mask_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = 'p@ss/w"ö rd\\n'


@pytest.fixture(autouse=True)
def fresh_masker() -> Iterator[None]:
    reset_secrets_masker()
    yield
    reset_secrets_masker()


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        f"https://api.example.com/?key={quote(SECRET, safe='')}",
        f"https://api.example.com/?{urlencode({'key': SECRET})}",
        json.dumps({"client_secret": SECRET}),
        repr({"client_secret": SECRET}),
    ],
)
def test_a_secret_is_masked_in_each_of_its_appearances(text: str) -> None:
    mask_secrets(appearances(SECRET))

    shown = str(redact(text))

    assert "***" in shown
    for appearance in appearances(SECRET):
        assert appearance not in shown


def test_where_airflow_s_masker_is_built_in_another_way_a_secret_is_masked_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "airflow.sdk._shared.secrets_masker.secrets_masker", None)

    mask_secrets(appearances(SECRET))

    assert redact(f"[{SECRET}] [{quote(SECRET, safe='')}]") == "[***] [***]"


def test_a_secret_that_was_obtained_in_an_event_loop_is_masked_at_once() -> None:
    async def obtain() -> str:
        mask_obtained_secret("eyJhbGciOi-access-token")
        return str(redact("Bearer eyJhbGciOi-access-token"))

    assert asyncio.run(obtain()) == "Bearer ***"


def test_in_an_event_loop_secrets_are_masked_by_the_asynchronous_function() -> None:
    asyncio.run(amask_secrets(["another-secret"]))

    assert redact("x another-secret y") == "x *** y"


class BusySupervisor:
    """A channel to the supervisor on which the event loop of this thread has a message under way already."""

    def __init__(self) -> None:
        self.told: list[object] = []
        self.was_told = threading.Event()
        self.would_wait_for_ever = False
        self._busy = threading.get_ident()

    def send(self, message: object) -> None:
        if threading.get_ident() != self._busy:
            self._take(message)
        elif hasattr(log, "amask_secret"):
            raise comms.DeadlockImminentError(message)
        else:
            self.would_wait_for_ever = True

    async def asend(self, message: object) -> None:
        self._take(message)

    def _take(self, message: object) -> None:
        self.told.append(message)
        self.was_told.set()


@pytest.fixture(params=["3.2", "3.3"])
def supervisor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> BusySupervisor:
    """Return the channel as Airflow 3.3 has it, which sees that it would wait for itself, or as 3.2, which does wait."""
    if request.param == "3.2":
        monkeypatch.delattr(log, "amask_secret", raising=False)
    elif not hasattr(log, "amask_secret"):
        pytest.skip("this Airflow is older")
    supervisor = BusySupervisor()
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", supervisor, raising=False)
    return supervisor


def test_the_supervisor_is_told_as_soon_as_its_channel_is_free(supervisor: BusySupervisor) -> None:
    async def obtain() -> str:
        mask_obtained_secret("eyJhbGciOi-access-token")
        shown = str(redact("Bearer eyJhbGciOi-access-token"))
        assert await asyncio.to_thread(supervisor.was_told.wait, 5)
        return shown

    assert asyncio.run(obtain()) == "Bearer ***"

    (message,) = supervisor.told
    assert isinstance(message, comms.MaskSecret)
    assert "eyJhbGciOi-access-token" in str(message.value)
    assert not supervisor.would_wait_for_ever


class InProcessSupervisorComms:
    """The channel of ``dag.test()`` in Airflow 3.2, by its name: not to be used by two threads."""

    def __init__(self) -> None:
        self.asked = 0

    def send(self, message: object) -> None:
        self.asked += 1


@pytest.mark.parametrize("obtained", [True, False])
def test_in_dag_test_of_airflow_3_2_no_other_thread_asks_for_anything(
    monkeypatch: pytest.MonkeyPatch, obtained: bool
) -> None:
    monkeypatch.delattr(log, "amask_secret", raising=False)
    supervisor = InProcessSupervisorComms()
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", supervisor, raising=False)

    async def mask() -> str:
        if obtained:
            mask_obtained_secret("eyJhbGciOi-access-token")
        else:
            await amask_secrets(["eyJhbGciOi-access-token"])
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))
        return str(redact("Bearer eyJhbGciOi-access-token"))

    assert asyncio.run(mask()) == "Bearer ***"
    assert supervisor.asked == 0


def test_the_secrets_of_a_connection_are_told_without_blocking_the_event_loop(supervisor: BusySupervisor) -> None:
    asyncio.run(amask_secrets(["another-secret"]))

    assert redact("x another-secret y") == "x *** y"
    assert len(supervisor.told) == 1
    assert not supervisor.would_wait_for_ever


class SupervisorOfAirflow320:
    """The channel of Airflow 3.2.0, on which two threads that ask at once read each other's answers."""

    def __init__(self) -> None:
        self.told = 0
        self.mixed_up = threading.Event()
        self._free = threading.Lock()

    def send(self, message: object) -> None:
        if not self._free.acquire(blocking=False):
            self.mixed_up.set()
            return
        self.mixed_up.wait(0.2)
        self.told += 1
        self._free.release()


def test_two_secrets_obtained_at_once_are_told_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(log, "amask_secret", raising=False)
    supervisor = SupervisorOfAirflow320()
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", supervisor, raising=False)

    async def obtain() -> None:
        mask_obtained_secret("eyJhbGciOi-access-token")
        mask_obtained_secret("eyJhbGciOi-refresh-token")
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))

    asyncio.run(obtain())

    assert not supervisor.mixed_up.is_set()
    assert supervisor.told == 2


def test_a_forked_process_waits_for_no_thread_of_the_other_one() -> None:
    from airflow_provider_cloudfn.hooks import masking

    def told() -> str:
        # As long as a thread of the other process is telling something.
        mask_secrets(["a-secret-of-the-child"])
        return str(redact("x a-secret-of-the-child y"))

    with masking._one_at_a_time:
        assert returned_by(told) == "x *** y"
