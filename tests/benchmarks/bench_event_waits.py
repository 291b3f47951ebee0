"""
1,000 waits for an event in one triggerer: KB each, and what they ask of the API server and its database while nothing comes.

The server is the real page over a database of Airflow's on SQLite, in a process of its own, which counts its queries. Then 1,000
events come, one for each wait. Run it with ``make bench``, or ``python tests/benchmarks/bench_event_waits.py``. It exits with 1
when a target is missed.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import gc
import logging
import multiprocessing
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[1]))

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

WAITS = 1_000
IDLE_SECONDS = 30.0
TARGET_KB = 100.0
TARGET_QUERIES = 2.0
NAME, URI = "bench.shipped", "x-cloudfn://completion-event/bench.shipped"
BEGUN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def serve(pipe: Connection) -> None:
    """Answer until the pipe says ``end``; ``count`` is answered with the queries so far, ``emit`` lets the events come."""
    from airflow.models.asset import AssetEvent, AssetModel
    from airflow.utils.db import initdb
    from airflow.utils.session import create_session
    from kit.api_server import PluginServer
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    initdb()
    with create_session() as session:
        asset = AssetModel(name=NAME, uri=URI)
        session.add(asset)
        session.flush()
        number = asset.id
    queries = [0]

    @event.listens_for(Engine, "before_cursor_execute")
    def count(*_: Any) -> None:
        queries[0] += 1

    with PluginServer() as server:
        pipe.send(server.url)
        while (asked := pipe.recv()) != "end":
            if asked == "emit":
                with create_session() as session:
                    session.add_all(AssetEvent(asset_id=number, extra={"order": one}) for one in range(WAITS))
            pipe.send((server.questions, queries[0]))


def wait(order: int) -> Any:
    from airflow_provider_cloudfn.events.place import Place
    from airflow_provider_cloudfn.triggers.event_wait import EventWaitTrigger
    from airflow_provider_cloudfn.triggers.wait import Wait

    return EventWaitTrigger(
        wait=Wait(
            begun=0.0,
            event=NAME,
            uri=URI,
            place=Place(BEGUN),
            match="event.result.order == response.body.order",
            known={"response": {"body": {"order": order}}},
            answered=True,
        ),
        seconds=86_400.0,
    )


async def outcome(trigger: Any) -> str:
    async for event in trigger.run():
        return str(event.payload["outcome"])
    return "none"


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def told(pipe: Connection, what: str) -> tuple[int, int]:
    pipe.send(what)
    answer: tuple[int, int] = await asyncio.to_thread(pipe.recv)
    return answer


async def until_asked(pipe: Connection) -> None:
    before = (await told(pipe, "count"))[0]
    while (await told(pipe, "count"))[0] < before + 2:  # noqa: ASYNC110 - the server is another process
        await asyncio.sleep(0.2)


async def measure(pipe: Connection) -> int:
    # What is loaded and made once is no wait's.
    first = asyncio.create_task(outcome(wait(-1)))
    await until_asked(pipe)
    gc.collect()
    before = resident()
    waits = [asyncio.create_task(outcome(wait(order))) for order in range(WAITS)]
    await until_asked(pipe)
    gc.collect()
    each = (resident() - before) / 1024 / WAITS
    idle, questions, spent = time.monotonic(), await told(pipe, "count"), time.process_time()
    await asyncio.sleep(IDLE_SECONDS)
    seconds, after, spent = time.monotonic() - idle, await told(pipe, "count"), time.process_time() - spent
    asked, queries = ((new - old) / seconds for new, old in zip(after, questions, strict=True))
    began = time.monotonic()
    await told(pipe, "emit")
    outcomes = set(await asyncio.gather(*waits))
    took = time.monotonic() - began
    first.cancel()
    met = each <= TARGET_KB and queries <= TARGET_QUERIES and outcomes == {"found"}
    print(f"{WAITS:,} waits for one event in one process")
    print(f"{'KB for each':<44}{each:>8.1f}   target: ≤ {TARGET_KB:g}")
    print(f"{'questions a second while nothing comes':<44}{asked:>8.2f}")
    print(f"{'database queries a second for all':<44}{queries:>8.2f}   target: ≤ {TARGET_QUERIES:g}")
    print(f"{'processor time while nothing comes':<44}{spent / seconds:>8.2%}")
    print(f"{'seconds for 1,000 events and their waits':<44}{took:>8.1f}")
    print("met" if met else f"missed ({', '.join(sorted(outcomes))})")
    return int(not met)


def main() -> int:
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {
            "AIRFLOW_HOME": home,
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
            "AIRFLOW__API__SECRET_KEY": "of the benchmark",
        }
        here, there = multiprocessing.Pipe()
        server = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
        server.start()
        try:
            os.environ["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] = f"{here.recv()}/execution/"
            return asyncio.run(measure(here))
        finally:
            here.send("end")
            server.join(20)
            server.kill()


if __name__ == "__main__":
    sys.exit(main())
