"""The last step of a process: its signed event goes to whoever waits for it, such as Airflow's receiver."""

from __future__ import annotations

import asyncio
import logging
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from airflow_provider_cloudfn.json_encoding import encode_json
from airflow_provider_cloudfn.sandbox.signing import SIGNATURE_HEADER, signature

if TYPE_CHECKING:
    from airflow_provider_cloudfn.sandbox.processes import Process

__all__ = ["Delivery", "LastStep"]

_log = logging.getLogger(__name__)
_ATTEMPTS: Final = 5
#: Seconds before the second attempt, and twice as many before each further one.
_PAUSE: Final = 0.2
_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """
    What became of the event of a finished process.

    :param instance_id: The process.
    :param event_id: The event's ``ce-id``, the same on every attempt.
    :param attempts: How often it was sent.
    :param status: What the last attempt was answered; None where no answer came.
    """

    instance_id: str
    event_id: str
    attempts: int
    status: int | None


class LastStep:
    """
    Posts an event for each finished process, as a CloudEvent in binary mode that is signed as events to the engine are.

    :param url: Where to; it may be known later than the sandbox is started.
    :param secret: What it is signed with.
    :param event_type: The event's type.
    """

    def __init__(self, url: str, secret: str, event_type: str) -> None:
        self._url = url
        self._secret = secret
        self._event_type = event_type
        self._running: set[asyncio.Task[None]] = set()
        #: What became of the events, in the order in which that was known.
        self.deliveries: list[Delivery] = []

    def __call__(self, process: Process) -> None:
        """Post the event of a process, after the answer to the event that resumed it."""
        task = asyncio.get_running_loop().create_task(self._post(process))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _post(self, process: Process) -> None:
        import aiohttp

        started = process.events[0]
        payload = {
            "instanceId": process.instance_id,
            "externalId": started.id,
            "context": {event.type: event.payload for event in process.events},
        }
        content = encode_json(payload).encode()
        event_id = str(uuid.uuid5(uuid.UUID(process.instance_id), self._event_type))
        headers = {
            "Content-Type": "application/json",
            "ce-specversion": "1.0",
            "ce-id": event_id,
            "ce-type": self._event_type,
            "ce-source": "sandbox/orchestration-engine",
            "ce-instanceid": process.instance_id,
            SIGNATURE_HEADER: signature(self._secret, content),
        }
        status: int | None = None
        timeout = aiohttp.ClientTimeout(total=_SECONDS)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                async with (
                    aiohttp.ClientSession(timeout=timeout) as session,
                    session.post(self._url, data=content, headers=headers, allow_redirects=False) as answer,
                ):
                    status = answer.status
            except (aiohttp.ClientError, TimeoutError) as error:
                status = None
                _log.warning("The last step of process %s found nobody: %s", process.instance_id, type(error).__name__)
            if status is not None and status < 500 and status != 429:
                break
            if attempt < _ATTEMPTS:
                await asyncio.sleep(_PAUSE * 2 ** (attempt - 1))
        self.deliveries.append(Delivery(process.instance_id, event_id, attempt, status))
