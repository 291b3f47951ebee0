"""Senders of signed events that come twice and out of order, to several servers, of which one may be away."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import json
import random
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import aiohttp

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kit.database_server import DatabaseServer
    from kit.receiving import Server

__all__ = ["DAGS", "SENDERS", "SOURCES", "Traffic", "event", "require_each_event_once", "signed"]

SENDERS: Final = 8
_SECRET: Final = "a-secret-that-both-know"
#: The connection of the event source ``shop``.
SOURCES: Final = {
    "shop": {"conn_type": "cloudfn_event_source", "password": _SECRET, "extra": {"scheme": "github"}},
}
#: What waits for the events.
DAGS: Final = """
from airflow.sdk import DAG
from airflow_provider_cloudfn import CompletionEvent
single = DAG("single", schedule=CompletionEvent("order.paid", one_run_per_event=True).each())
"""
_TIMEOUT: Final = aiohttp.ClientTimeout(total=60)


def event(number: int) -> bytes:
    """Return the body of an event."""
    attributes = {"specversion": "1.0", "source": "/shop", "id": str(number), "type": "order.paid"}
    return json.dumps({**attributes, "data": {"orderId": number, "note": "x" * 200}}).encode()


def signed(body: bytes) -> dict[str, str]:
    """Return the headers of a body."""
    signature = hmac.new(_SECRET.encode(), body, hashlib.sha256).hexdigest()
    return {"Content-Type": "application/cloudevents+json", "X-Hub-Signature-256": f"sha256={signature}"}


class Traffic:
    """
    Eight senders. Each event has two of them, at other places of their lists; half of the events they send twice.

    :param servers: To whom they send, in turns; where one is away, they go on with the next.
    :param events: How many events there are.
    """

    def __init__(self, servers: Sequence[Server], events: int) -> None:
        self.events = events
        self.answers: Counter[int] = Counter()
        self.accepted: list[str] = []
        #: What each answer was that is no refusal, and how many seconds it took, in their order.
        self.took: list[tuple[int, float]] = []
        self.done = 0
        self._changed = asyncio.Condition()
        self._servers = servers
        chance = random.Random(7)
        self._lists: list[list[int]] = [[] for _ in range(SENDERS)]
        for number in range(events):
            first = number % SENDERS
            for sender in (first, (first + 1 + number % (SENDERS - 1)) % SENDERS):
                self._lists[sender] += [number] * (1 + number % 2)
        for numbers in self._lists:
            chance.shuffle(numbers)
        self.total = sum(map(len, self._lists))

    async def run(self) -> None:
        """Send everything, until each is answered with 200 or 202."""
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
            await asyncio.gather(*(self._send_all(session, place, one) for place, one in enumerate(self._lists)))

    async def until(self, reached: Callable[[], bool]) -> None:
        """Wait for a moment of the traffic."""
        async with self._changed:
            await self._changed.wait_for(reached)

    async def reached(self, share: float) -> None:
        """Wait until so much of it is done."""
        await self.until(lambda: self.done >= self.total * share)

    async def _count(self, status: int) -> None:
        async with self._changed:
            self.answers[status] += 1
            self._changed.notify_all()

    async def _send_all(self, session: aiohttp.ClientSession, place: int, numbers: list[int]) -> None:
        for number in numbers:
            await self._send(session, place, event(number))
            self.done += 1

    async def _send(self, session: aiohttp.ClientSession, place: int, body: bytes) -> None:
        for attempt in itertools.count():
            server = self._servers[(place + attempt) % len(self._servers)]
            began = time.perf_counter()
            try:
                async with session.post(f"{server.url}/shop", data=body, headers=signed(body)) as answer:
                    said: Any = await answer.json()
            except (aiohttp.ClientError, TimeoutError):
                await self._count(0)
            else:
                await self._count(answer.status)
                if answer.status in (200, 202):
                    self.took.append((answer.status, time.perf_counter() - began))
                    self.accepted += [one["id"] for one in said["events"] if one["outcome"] == "accepted"]
                    return
                assert answer.status == 503, said
            await asyncio.sleep(0.05)


def require_each_event_once(database: DatabaseServer, traffic: Traffic) -> None:
    """Require every event to be one delivery, one asset event and one run that Airflow is to make."""
    made = database.query("select extra, id, partition_key from asset_event")
    told = [(_json(extra)["metadata"], number, partition) for extra, number, partition in made]
    events = [(one["id"], number, partition) for one, number, partition in told if one["source"] == "/shop"]
    keys = {key for key, _, _ in events}
    rows = database.query("select event_key, asset_event_id from cloudfn_delivery where outcome = 'accepted'")
    runs = database.query("select partition_key from asset_partition_dag_run where target_dag_id = 'single'")
    assert len(keys) == len(events) == traffic.events
    assert sorted(row for row in rows if row[0] in keys) == sorted((key, number) for key, number, _ in events)
    assert sorted(key for (key,) in runs if key in keys) == sorted(partition for _, _, partition in events)
    assert set(traffic.accepted) <= keys
    assert len(traffic.accepted) == len(set(traffic.accepted))


def _json(extra: Any) -> Any:
    # One driver reads it, and another one hands on the text.
    return json.loads(extra) if isinstance(extra, str) else extra
