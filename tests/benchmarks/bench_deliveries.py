"""
Deliveries at the receiver, against ``POST /api/v2/assets/events`` of the same API server, which asks for no login here.

Both make an asset event that a Dag on ``.each()`` waits for, 8 at a time, in turns, on PostgreSQL; the receiver's are signed,
kept, and compared with all that ever came. Then a scheduler runs, and events come one by one by the two ways in turns: how long
it takes until the Dag has its run. Run it with ``make bench``, or ``python tests/benchmarks/bench_deliveries.py``. With
``DELIVERIES=100000`` so many are sent after that by eight senders to two API servers, each event two or four times and out of
order, while the database is away for ten seconds and one server is killed: every event must be there exactly once. What an
answer takes, and what memory the other server has, is shown tenth by tenth, and then how long it takes to sweep the table. It
exits with 1 when it is below the floor.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH")]))

from kit.postgres import Postgres
from kit.receiving import Receiving, Server
from kit.traffic import DAGS, SOURCES, Traffic, event, require_each_event_once, signed

from airflow_provider_cloudfn.cli.demo.airflow_api import until

if TYPE_CHECKING:
    from collections.abc import Callable

COUNT = 500
#: At 16 Airflow's own route waits for its own connections to the database, and answers 500.
CONCURRENCY = 8
ROUNDS = 5
#: What is aimed at, as a share of the throughput of Airflow's own route, and below which something got worse.
GOAL = 1.0
FLOOR = 0.6
#: How many events come one by one by each way, of which the first is not counted.
ONE_BY_ONE = 21
#: For how long the database is away.
AWAY = 10.0
TENTHS = 10

_numbers = itertools.count(10_000_000)


async def send(requests: list[tuple[str, bytes, dict[str, str]]], status: int) -> tuple[float, list[float]]:
    """Send requests, and return how many seconds all of them took, and each."""
    took: list[float] = []
    left = iter(requests)

    async def one_after_the_other(session: aiohttp.ClientSession) -> None:
        for url, body, headers in left:
            began = time.perf_counter()
            async with session.post(url, data=body, headers=headers) as answer:
                said = await answer.read()
            assert answer.status == status, said
            took.append(time.perf_counter() - began)

    async with aiohttp.ClientSession() as session:
        began = time.perf_counter()
        await asyncio.gather(*(one_after_the_other(session) for _ in range(CONCURRENCY)))
        return time.perf_counter() - began, took


def ours(server: Server, asset_id: int, count: int = COUNT) -> tuple[float, list[float]]:
    bodies = [event(next(_numbers)) for _ in range(count)]
    return asyncio.run(send([(f"{server.url}/shop", body, signed(body)) for body in bodies], 202))


def airflows(server: Server, asset_id: int, count: int = COUNT) -> tuple[float, list[float]]:
    headers = {"Content-Type": "application/json"}
    requests = []
    for number in itertools.islice(_numbers, count):
        extra = json.loads(event(number))
        body = json.dumps({"asset_id": asset_id, "partition_key": str(number), "extra": extra}).encode()
        requests.append((f"{server.root}/api/v2/assets/events", body, headers))
    return asyncio.run(send(requests, 200))


def percentile(seconds: list[float], percent: int) -> float:
    return statistics.quantiles(seconds, n=100)[percent - 1] * 1000


SIDES: dict[str, Callable[..., Any]] = {"Airflow's API": airflows, "the receiver": ours}


def compare(server: Server, asset_id: int) -> bool:
    for side in SIDES.values():
        side(server, asset_id)
    rounds = [{name: side(server, asset_id) for name, side in SIDES.items()} for _ in range(ROUNDS)]
    for name in SIDES:
        rate = statistics.median(COUNT / one[name][0] for one in rounds)
        took = [seconds for one in rounds for seconds in one[name][1]]
        print(f"{name:<14}{rate:>8,.0f}/s   p50 {percentile(took, 50):>7.1f} ms   p99 {percentile(took, 99):>7.1f} ms")
    ratio = statistics.median(one["Airflow's API"][0] / one["the receiver"][0] for one in rounds)
    medians = [{name: statistics.median(took) for name, (_, took) in one.items()} for one in rounds]
    latency = statistics.median(one["the receiver"] / one["Airflow's API"] for one in medians)
    print(f"throughput {ratio:.2f} of Airflow's   ≥ {GOAL}: {'met' if ratio >= GOAL else 'missed'}")
    print(f"latency    {latency:.2f} of Airflow's")
    return ratio < FLOOR


def more_runs(postgres: Postgres, before: int) -> bool | None:
    ((count,),) = postgres.query("select count(*) from dag_run")
    return True if count > before else None


def compare_runs(postgres: Postgres, server: Server, asset_id: int) -> None:
    """Show how long it takes from an event to the run of the Dag that waits for it."""
    postgres.execute("truncate asset_event, cloudfn_delivery, asset_partition_dag_run cascade")
    took: dict[str, list[float]] = {name: [] for name in SIDES}
    for _ in range(ONE_BY_ONE):
        for name, side in SIDES.items():
            ((before,),) = postgres.query("select count(*) from dag_run")
            began = time.perf_counter()
            side(server, asset_id, 1)
            until(partial(more_runs, postgres, before), 60.0, "the event has no run", pause=0.01)
            took[name].append(time.perf_counter() - began)
    medians = {name: statistics.median(seconds[1:]) for name, seconds in took.items()}
    for name, median in medians.items():
        print(f"{name:<14}to the run: p50 {median * 1000:>7.1f} ms")
    theirs, own = medians.values()
    print(f"to the run {own / theirs:.2f} of Airflow's")


def prove(postgres: Postgres, receiving: Receiving, servers: list[Server], deliveries: int) -> None:
    # Of each event there are three, on the average.
    traffic = Traffic(servers, deliveries // 3)

    async def disturbed() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(traffic.run())
            group.create_task(measured(traffic, servers[0]))
            await traffic.reached(0.3)
            with postgres.away():
                await asyncio.sleep(AWAY)
            await traffic.reached(0.6)
            servers[1].kill()
            await traffic.reached(0.8)
            await asyncio.to_thread(servers[1].start)

    began = time.perf_counter()
    asyncio.run(disturbed())
    seconds = time.perf_counter() - began
    require_each_event_once(postgres, traffic)
    answers = dict(traffic.answers)
    print(f"{traffic.total:,} deliveries of {traffic.events:,} events in {seconds:,.0f} s, each there once: {answers}")
    ((size,),) = postgres.query("select pg_total_relation_size('cloudfn_delivery')")
    postgres.execute("update cloudfn_delivery set received_at = received_at - interval '30 days'")
    steps = receiving.sweep()
    assert postgres.query("select count(*) from cloudfn_delivery") == [(0,)]
    print(
        f"the table had {size / 1e6:.1f} MB; swept in {len(steps)} steps, "
        f"p50 {statistics.median(steps) * 1000:.1f} ms, slowest {max(steps) * 1000:.1f} ms"
    )


async def measured(traffic: Traffic, server: Server) -> None:
    """Show what each tenth of the traffic took, and the server's memory behind it."""
    seen = 0
    for tenth in range(1, TENTHS + 1):
        await traffic.reached(tenth / TENTHS)
        took, seen = traffic.took[seen:], len(traffic.took)
        shown = [
            f"{name} p50 {percentile(of_it, 50):>6.1f} ms, p99 {percentile(of_it, 99):>7.1f} ms   "
            for name, status in (("new", 202), ("again", 200))
            if len(of_it := [seconds for answered, seconds in took if answered == status]) > 1
        ]
        print(f"{tenth / TENTHS:>5.0%}   {''.join(shown)}{server.memory:>5.0f} MB", flush=True)


def main() -> int:
    if (what := Postgres.missing()) is not None:
        print(f"{what}: nothing is measured")
        return 0
    postgres = Postgres()
    servers: list[Server] = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            receiving = Receiving(Path(folder), postgres.url, SOURCES)
            receiving.prepare(DAGS)
            servers.append(receiving.api_server("one"))
            ((asset_id,),) = postgres.query("select id from asset where name = 'order.paid'")
            missed = compare(servers[0], asset_id)
            with receiving.scheduler():
                compare_runs(postgres, servers[0], asset_id)
            if deliveries := int(os.environ.get("DELIVERIES", "0")):
                servers.append(receiving.api_server("two"))
                postgres.execute("truncate asset_event, cloudfn_delivery, asset_partition_dag_run cascade")
                prove(postgres, receiving, servers, deliveries)
            return int(missed)
        finally:
            for server in servers:
                server.kill()
            postgres.remove()


if __name__ == "__main__":
    sys.exit(main())
