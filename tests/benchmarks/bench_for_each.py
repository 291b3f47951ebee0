"""
Many calls in one task: `for_each` over ten thousand items and `pages` over a thousand pages, against the same by hand on aiohttp.

Each POST has three expressions, and 64 are under way at a time. Both sides call the same server, in a process of its own, in
turns. Memory is that of a process of its own which writes the results into a file. Run it with ``make bench``, or ``python
tests/benchmarks/bench_for_each.py``; with ``ITEMS=1000000`` memory is measured for a million, too. It exits with 1 when
it is below a floor; the goals are printed.
"""

from __future__ import annotations

import asyncio
import json
import logging
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

ITEMS = 10_000
PAGES = 1_000
CONCURRENCY = 64
ROUNDS = 5
#: What is aimed at, as a share of the throughput by hand, and below which something got worse.
GOALS = {"for_each": 0.7, "pages": 0.8}
FLOORS = {"for_each": 0.3, "pages": 0.25}
MEMORY_MIB = 150.0

PAGE = [{"id": number} for number in range(10)]


class Answering(asyncio.Protocol):
    """Answers each request of a connection: a POST with what it created, a GET with a page that names the next one."""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end:
            return
        if head.startswith(b"GET"):
            self._received = body
            page = int(head.split(b" ", 2)[1].partition(b"=")[2] or 1)
            following = f"/v1/items?page={page + 1}" if page < PAGES else None
            self._answer(json.dumps({"data": PAGE, "next": following}).encode())
            return
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(body) >= length:
            self._received = b""
            self._answer(b'{"id": "ch_1", "amount": 1999, "status": "captured"}')

    def _answer(self, content: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(content)
        self._transport.write(head + content)


def serve(port_of: Connection) -> None:
    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0)
        port_of.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def task_of(**parameters: Any) -> Any:
    from airflow_provider_cloudfn import CloudFunctionOperator

    return CloudFunctionOperator(task_id="call", cloudfn_conn_id="benchmark", **parameters)


def carry_out(task: Any) -> Any:
    from airflow_provider_cloudfn.hooks.registry import hook_for
    from airflow_provider_cloudfn.testing.rehearsal import Rehearsal
    from airflow_provider_cloudfn.testing.samples import Samples

    rehearsal = Rehearsal(task, Samples())
    rehearsal.render()
    return rehearsal.task.carry_out(rehearsal.context, hook_for("benchmark"))


def batch(items: Any, **settings: Any) -> Any:
    from airflow_provider_cloudfn import ForEach

    return task_of(
        method="POST",
        uri='"/v1/charges/" + string(item)',
        query={"environment": '"production"'},
        headers={"X-Item": "string(index)"},
        body='{"amount": 1999, "customer": "c-" + string(item), "currency": "EUR"}',
        returns="response.body.id",
        for_each=ForEach(items, concurrency=CONCURRENCY, **settings),
    )


def ours_for_each(url: str) -> None:
    assert len(carry_out(batch(list(range(ITEMS))))) == ITEMS


def raw_for_each(url: str) -> None:
    async def run() -> list[Any]:
        slots = asyncio.Semaphore(CONCURRENCY)
        async with aiohttp.ClientSession(headers={"X-Api-Key": "key", "Accept": "application/json"}) as session:

            async def one(item: int) -> Any:
                async with (
                    slots,
                    session.post(
                        f"{url}/v1/charges/{item}",
                        params={"environment": "production"},
                        headers={"X-Item": str(item)},
                        json={"amount": 1999, "customer": f"c-{item}", "currency": "EUR"},
                    ) as response,
                ):
                    response.raise_for_status()
                    return (await response.json())["id"]

            return await asyncio.gather(*map(one, range(ITEMS)))

    assert len(asyncio.run(run())) == ITEMS


def ours_pages(url: str) -> None:
    from airflow_provider_cloudfn import Pages

    task = task_of(uri='"/v1/items"', pages=Pages.next_link("response.body.next", items="response.body.data"))
    assert len(carry_out(task)) == PAGES * len(PAGE)


def raw_pages(url: str) -> None:
    async def run() -> list[Any]:
        found: list[Any] = []
        following: str | None = "/v1/items"
        async with aiohttp.ClientSession(headers={"X-Api-Key": "key", "Accept": "application/json"}) as session:
            while following is not None:
                async with session.get(url + following) as response:
                    response.raise_for_status()
                    page = await response.json()
                found += page["data"]
                following = page["next"]
        return found

    assert len(asyncio.run(run())) == PAGES * len(PAGE)


def peak_memory() -> float:
    """Return the most memory that this process has had, in MiB: ``ru_maxrss`` begins with that of the process that started it."""
    (peak,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(peak.split()[1]) / 1024


def memory(count: int, told: Connection) -> None:
    """Tell by how many MiB a process grows over a batch of so many items whose results go into a file."""
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "items.jsonl")
        with source.open("w") as opened:
            opened.writelines(f"{number}\n" for number in range(count))
        from airflow_provider_cloudfn import ForEach

        carry_out(batch(list(range(200)), results=f"file://{folder}/warm.jsonl"))
        task = batch([])
        task.for_each = ForEach.lines(
            f'"file://{source}"', concurrency=CONCURRENCY, results=f"file://{folder}/results.jsonl"
        )
        before = peak_memory()
        described = carry_out(task)
        assert described["count"] == count
        told.send(peak_memory() - before)


def seconds(work: Any, url: str) -> float:
    begun = time.perf_counter()
    work(url)
    return time.perf_counter() - begun


def compare(url: str) -> bool:
    missed = False
    print(f"{'':<12}{'by hand':>14}{'ours':>14}{'ratio':>8}   goal")
    for name, count, raw, ours in (
        ("for_each", ITEMS, raw_for_each, ours_for_each),
        ("pages", PAGES, raw_pages, ours_pages),
    ):
        seconds(ours, url)
        pairs = [(seconds(raw, url), seconds(ours, url)) for _ in range(ROUNDS)]
        ratio = statistics.median(theirs / mine for theirs, mine in pairs)
        theirs, mine = (statistics.median(column) for column in zip(*pairs, strict=True))
        met = ratio >= GOALS[name]
        missed = missed or ratio < FLOORS[name]
        print(
            f"{name:<12}{count / theirs:>12,.0f}/s{count / mine:>12,.0f}/s{ratio:>8.2f}   ≥ {GOALS[name]}: "
            f"{'met' if met else 'missed'}"
        )
    return missed


def compare_memory(counts: list[int]) -> bool:
    missed = False
    for count in counts:
        here, there = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(target=memory, args=(count, there))
        process.start()
        grown = here.recv()
        process.join()
        missed = missed or grown > MEMORY_MIB
        print(
            f"memory of {count:>9,} items with results=: {grown:>6.1f} MiB more   ≤ {MEMORY_MIB:g}: {'missed' if grown > MEMORY_MIB else 'met'}"
        )
    return missed


def main() -> int:
    logging.disable(logging.INFO)
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    server.start()
    try:
        url = f"http://127.0.0.1:{here.recv()}"
        os.environ["AIRFLOW_CONN_BENCHMARK"] = json.dumps(
            {
                "conn_type": "cloudfn",
                "host": url,
                "password": "key",
                "extra": {"auth_type": "api_key", "key_location": "header", "key_name": "X-Api-Key"},
            }
        )
        missed = compare(url)
        counts = [10_000, 100_000, *([int(os.environ["ITEMS"])] if "ITEMS" in os.environ else [])]
        return int(compare_memory(counts) or missed)
    finally:
        server.terminate()
        server.join()


if __name__ == "__main__":
    sys.exit(main())
