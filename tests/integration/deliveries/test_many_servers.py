"""Two receivers on one database: what is answered with 202 is an asset event, and none is there twice, whatever fails."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from kit.hostile_events import HOSTILE
from kit.mariadb import MariaDb
from kit.postgres import Postgres
from kit.receiving import Receiving
from kit.traffic import DAGS, SENDERS, SOURCES, Traffic, event, require_each_event_once, signed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kit.database_server import DatabaseServer
    from kit.receiving import Server

pytestmark = [pytest.mark.timeout(600), pytest.mark.one_run_per_event]

EVENTS = 1000


@pytest.fixture(scope="module", params=[Postgres, MariaDb], ids=lambda kind: kind.name)
def database(request: pytest.FixtureRequest) -> Iterator[DatabaseServer]:
    if (what := request.param.missing()) is not None:
        pytest.skip(what)
    made = request.param()
    yield made
    made.remove()


@pytest.fixture(scope="module")
def receiving(database: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Receiving:
    made = Receiving(tmp_path_factory.mktemp("receiving"), database.url, SOURCES)
    made.prepare(DAGS)
    return made


@pytest.fixture(scope="module")
def servers(receiving: Receiving) -> Iterator[list[Server]]:
    started = [receiving.server(name) for name in ("one", "two")]
    yield started
    for server in started:
        server.kill()


def test_the_table_goes_down_and_up_again(receiving: Receiving) -> None:
    receiving.rebuild()


@pytest.mark.parametrize("strange", HOSTILE, ids=lambda strange: repr(strange)[:30])
def test_strange_values_are_taken_or_refused_by_each_database(strange: dict[str, Any], servers: list[Server]) -> None:
    whole = {"specversion": "1.0", "source": "/strange", "id": "1", "type": "order.paid", "data": 1, **strange}
    body = json.dumps(whole).encode()

    answers = [httpx.post(f"{servers[0].url}/shop", content=body, headers=signed(body), trust_env=False) for _ in "12"]

    assert [answer.status_code for answer in answers] in ([202, 200], [200, 200], [400, 400], [422, 422])


def test_no_event_is_lost_and_none_is_there_twice(database: DatabaseServer, servers: list[Server]) -> None:
    traffic = Traffic(servers, EVENTS)

    async def disturbed() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(traffic.run())
            await traffic.reached(0.25)
            with database.away():
                refused = traffic.answers[503]
                await traffic.until(lambda: traffic.answers[503] >= refused + SENDERS)
            await traffic.reached(0.5)
            servers[1].kill()
            await traffic.reached(0.75)
            await asyncio.to_thread(servers[1].start)

    asyncio.run(disturbed())

    require_each_event_once(database, traffic)
    assert traffic.answers[200] + traffic.answers[202] == traffic.total
    assert traffic.answers[503] > 0
    assert traffic.answers[0] > 0


def test_slow_senders_hold_nobody_up(servers: list[Server]) -> None:
    address = ("127.0.0.1", servers[0].port)
    head = b"POST /cloudfn/events/shop HTTP/1.1\r\nHost: here\r\nContent-Length: 1000\r\n\r\n{"
    with ExitStack() as slow:
        for _ in range(100):
            sender = slow.enter_context(socket.create_connection(address, timeout=60))
            sender.sendall(head)
        body = event(-1)
        answers = [
            httpx.post(f"{servers[0].url}/shop", content=body, headers=signed(body), trust_env=False, timeout=8)
            for _ in range(3)
        ]
        last = sender.recv(12)

    assert [answer.status_code for answer in answers] == [202, 200, 200]
    assert last == b"HTTP/1.1 408"
