from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import pytest
from airflow.sdk._shared.secrets_masker import redact, reset_secrets_masker
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import DeadlockImminentError, MaskSecret

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


def test_a_secret_that_was_obtained_in_an_event_loop_is_masked_at_once() -> None:
    async def obtain() -> str:
        mask_obtained_secret("eyJhbGciOi-access-token")
        return str(redact("Bearer eyJhbGciOi-access-token"))

    assert asyncio.run(obtain()) == "Bearer ***"


def test_in_an_event_loop_secrets_are_masked_by_the_asynchronous_function() -> None:
    asyncio.run(amask_secrets(["another-secret"]))

    assert redact("x another-secret y") == "x *** y"


class BusySupervisor:
    """A channel to the supervisor on which a message is under way already."""

    def __init__(self) -> None:
        self.told: list[object] = []
        self.was_told = asyncio.Event()

    def send(self, message: object) -> None:
        raise DeadlockImminentError(message)

    async def asend(self, message: object) -> None:
        self.told.append(message)
        self.was_told.set()


def test_the_supervisor_is_told_as_soon_as_its_channel_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    supervisor = BusySupervisor()
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", supervisor, raising=False)

    async def obtain() -> None:
        mask_obtained_secret("eyJhbGciOi-access-token")
        await supervisor.was_told.wait()

    asyncio.run(asyncio.wait_for(obtain(), 5))

    (message,) = supervisor.told
    assert isinstance(message, MaskSecret)
    assert "eyJhbGciOi-access-token" in str(message.value)
    assert redact("eyJhbGciOi-access-token") == "***"
