"""
2,000 waits for a job in one process, as a triggerer has them: KB each, and processor time beside Airflow's ``HttpTrigger``.

Both ask the same server, in a process of its own, once for each trigger. Run it with ``make bench``, or
``python tests/benchmarks/bench_waits.py``. It exits with 1 when a target is missed.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import multiprocessing
import os
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

WAITS = 2_000
ROUNDS = 3
TARGET_KB = 100.0

ANSWER = b'{"state": "busy"}'
REPLY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(ANSWER) + ANSWER


class Answering(asyncio.Protocol):
    """Answers each request of a connection; none has a body."""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if data.endswith(b"\r\n\r\n"):
            self._transport.write(REPLY)


def serve(port_of: Connection) -> None:
    allow_connections()

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0, backlog=4_096)
        port_of.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def allow_connections() -> None:
    """Let the process have as many open files as it may: ``HttpTrigger`` has one for each."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def our_trigger(*, done: bool) -> Any:
    from airflow_provider_cloudfn.triggers.job import Job, JobPoll
    from airflow_provider_cloudfn.triggers.job_wait import JobTrigger
    from airflow_provider_cloudfn.triggers.poll import HttpPoll

    poll = JobPoll(
        question=HttpPoll(conn_id="jobs", uri="/v1/jobs/7", once=True),
        done_when=f'response.body.state == "{"busy" if done else "done"}"',
        every=3_600.0,
        at_most_every=3_600.0,
    )
    return JobTrigger(job=Job(poll=poll, answer=None, begun=0.0), seconds=86_400.0, first_wait=0.0)


def http_trigger() -> Any:
    from airflow.providers.http.triggers.http import HttpTrigger

    return HttpTrigger(http_conn_id="plain", method="GET", endpoint="/v1/jobs/7")


async def first_event(trigger: Any) -> Any:
    async for event in trigger.run():
        return event.payload
    return None


async def processor_time(make: Callable[[], Any], accepted: Callable[[Any], bool]) -> float:
    """Return the seconds of this process for all triggers, from their rows to their events."""
    triggers = [make() for _ in range(WAITS)]
    begun = time.process_time()
    events = await asyncio.gather(*(first_event(trigger) for trigger in triggers))
    spent = time.process_time() - begun
    if refused := [event for event in events if not accepted(event)]:
        raise RuntimeError(f"{len(refused)} of {WAITS} triggers have failed, such as with {refused[0]}")
    return spent


async def memory() -> float:
    """Return the KB of each of many waits that have asked once and sleep."""
    # What is loaded and made once is no wait's.
    await first_event(our_trigger(done=True))
    gc.collect()
    before = resident()
    waits = [asyncio.create_task(first_event(our_trigger(done=False))) for _ in range(WAITS)]
    while answered() < WAITS:  # noqa: ASYNC110 - what counts is not told by an event
        await asyncio.sleep(0.05)
    gc.collect()
    spent = resident() - before
    for wait in waits:
        wait.cancel()
    await asyncio.gather(*waits, return_exceptions=True)
    return spent / 1024 / WAITS


_answers = 0


def answered() -> int:
    return _answers


def count_answers() -> None:
    """Count what the conditions have judged."""
    from airflow_provider_cloudfn.triggers.job import JobPoll

    judged = JobPoll.judged

    def counted(self: Any, response: Any) -> Any:
        global _answers
        _answers += 1
        return judged(self, response)

    JobPoll.judged = counted  # type: ignore[method-assign]


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def compare() -> int:
    global _answers
    count_answers()
    _answers = -1  # That of the wait which is made to load everything.
    each = await memory()
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(await processor_time(lambda: our_trigger(done=True), lambda event: event["outcome"] == "ended"))
        theirs.append(await processor_time(http_trigger, lambda event: event["status"] == "success"))
    ratio = min(ours) / min(theirs)
    print(f"{WAITS:,} waits in one process")
    print(f"{'KB for each that sleeps':<36}{each:>8.1f}   target: ≤ {TARGET_KB:g}   {told(each <= TARGET_KB)}")
    print(f"{'ours, ms for each':<36}{min(ours) * 1000 / WAITS:>8.3f}")
    print(f"{'HttpTrigger, ms for each':<36}{min(theirs) * 1000 / WAITS:>8.3f}")
    print(f"{'ratio':<36}{ratio:>8.2f}   target: < 1   {told(ratio < 1)}")
    return int(each > TARGET_KB or ratio >= 1)


def told(is_met: bool) -> str:
    return "met" if is_met else "missed"


def main() -> int:
    logging.disable(logging.WARNING)
    allow_connections()
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    server.start()
    try:
        host = f"http://127.0.0.1:{here.recv()}"
        # A line for each answer would be measured with it.
        os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "WARNING"
        os.environ["AIRFLOW_CONN_JOBS"] = json.dumps({"conn_type": "cloudfn", "host": host})
        os.environ["AIRFLOW_CONN_PLAIN"] = json.dumps({"conn_type": "http", "host": host})
        return asyncio.run(compare())
    finally:
        server.terminate()
        server.join()


if __name__ == "__main__":
    sys.exit(main())
