"""
How soon a batch goes on that was killed: from the start of the next try to its first new request.

A hundred thousand POSTs with an idempotency key, whose task is killed by SIGKILL when the service gets 99 % of them; the next try
is a process of its own, with Airflow and this package loaded, as a task of Airflow is. Once the results go into a file, and once into XCom.
Run it with ``make bench``, or ``python tests/benchmarks/bench_resume.py``. It exits with 1 when it takes longer than that.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import logging
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

ITEMS = 100_000
KILLED_AT = ITEMS * 99 // 100
CONCURRENCY = 64
SECONDS = 2.0
GIVEN_UP_AFTER = 600.0

_FORK = multiprocessing.get_context("fork")


class Service(asyncio.Protocol):
    """Answers POSTs; kills who sends the one at which it is to; tells when the first one of a try came."""

    count = 0
    effects: set[bytes]
    kills_at: int | None = None
    first_at: float | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        if not end or len(body) < length:
            return
        self._received = b""
        Service.first_at = Service.first_at or time.monotonic()
        Service.count += 1
        Service.effects.add(head.lower().partition(b"idempotency-key: ")[2].partition(b"\r\n")[0])
        if Service.count == Service.kills_at:
            os.kill(int(head.lower().partition(b"x-process: ")[2].partition(b"\r\n")[0]), signal.SIGKILL)
        content = b'{"id": "ch_1"}'
        lines = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        self._transport.write(lines % len(content) + content)


def serve(told: Connection) -> None:
    """Serve, and answer each word of the pipe: ``begin`` a try, which is killed where a number is given, or ``end`` it."""
    Service.effects = set()

    async def run() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Service, "127.0.0.1", 0)
        told.send(server.sockets[0].getsockname()[1])

        def heard() -> None:
            word, kills_at = told.recv()
            if word == "begin":
                Service.count, Service.first_at, Service.kills_at = 0, None, kills_at
            if word == "anew":
                Service.effects.clear()
            told.send((Service.count, Service.first_at, len(Service.effects)))

        loop.add_reader(told.fileno(), heard)
        await server.serve_forever()

    asyncio.run(run())


class Kept:
    """A task's state that outlives its process, as Airflow's database keeps it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str, default: Any = None) -> Any:
        file = self._file(key)
        return json.loads(file.read_text()) if file.exists() else default

    def set(self, key: str, value: Any, **_: Any) -> None:
        file = self._file(key)
        file.with_suffix(".new").write_text(json.dumps(value))
        file.with_suffix(".new").replace(file)

    def delete(self, key: str) -> None:
        self._file(key).unlink(missing_ok=True)

    def _file(self, key: str) -> Path:
        return self._folder / f"{key.replace('/', '_')}.json"


def one_try(folder: Path, results: str | None, started: Connection) -> None:
    """Carry the batch out, and tell when it began."""
    from airflow.sdk import DAG
    from airflow.sdk.bases.operator import ExecutorSafeguard

    from airflow_provider_cloudfn import CloudFunctionOperator, ForEach

    given = {} if results is None else {"results": results}
    with DAG("d", schedule=None):
        task = CloudFunctionOperator(
            task_id="call",
            cloudfn_conn_id="benchmark",
            method="POST",
            uri='"/v1/charges/" + string(item)',
            headers={"X-Process": f'"{os.getpid()}"'},
            body='{"amount": item}',
            idempotency_key=True,
            returns="response.body.id",
            do_xcom_push=False,
            for_each=ForEach(list(range(ITEMS)), concurrency=CONCURRENCY, key="string(item)", **given),
        ).prepare_for_execution()
    instance = SimpleNamespace(
        dag_id="d",
        run_id="r",
        task_id="call",
        map_index=-1,
        try_number=1,
        max_tries=2,
        xcom_push=lambda **_: None,
    )
    now = dt.datetime.now(tz=dt.UTC)
    dates = {"run_after": now, "logical_date": now, "data_interval_start": None, "data_interval_end": None}
    run = SimpleNamespace(conf={}, run_id="r", **dates)
    ExecutorSafeguard.tracker.set(task)
    started.send(time.monotonic())
    task.execute(
        {
            "ti": instance,
            "task_instance": instance,
            "dag_run": run,
            "run_id": "r",
            "params": {},
            "task_state_store": Kept(folder),
        }  # type: ignore[typeddict-item, typeddict-unknown-key]  # of a context, what a task here needs
    )
    started.send(True)


def tried(folder: Path, results: str | None) -> tuple[float, bool]:
    """Return when a try began, and whether it came to its end."""
    here, there = _FORK.Pipe()
    process = _FORK.Process(target=one_try, args=(folder, results, there))
    process.start()
    there.close()
    begun = here.recv()
    process.join(GIVEN_UP_AFTER)
    return begun, process.exitcode == 0


def resumed(service: Connection, results: bool) -> bool:
    """Kill a batch, let the next try end it, print how soon that sent something, and tell whether it was soon enough."""

    def ask(word: str, kills_at: int | None = None) -> tuple[int, float | None, int]:
        service.send((word, kills_at))
        answer: tuple[int, float | None, int] = service.recv()
        return answer

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        where = f"file://{folder}/results.jsonl" if results else None
        ask("anew")
        ask("begin", KILLED_AT)
        _, ended = tried(path, where)
        assert not ended
        ask("begin")
        begun, ended = tried(path, where)
        count, first_at, effects = ask("end")
        assert ended
        assert first_at is not None
        assert effects == ITEMS
        lines = len(Path(folder, "results.jsonl").read_text().splitlines()) if results else ITEMS
        assert lines == ITEMS
    seconds = first_at - begun
    met = seconds <= SECONDS
    name = f"results in {'a file' if results else 'XCom'}"
    print(
        f"{name:<20}{count:>8,} requests in the next try, the first after {seconds:5.2f} s   <= {SECONDS:g}: {'met' if met else 'missed'}"
    )
    return met


def main() -> int:
    logging.disable(logging.INFO)
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    server.start()
    try:
        os.environ["AIRFLOW_CONN_BENCHMARK"] = json.dumps(
            {"conn_type": "cloudfn", "host": f"http://127.0.0.1:{here.recv()}", "extra": {"auth_type": "none"}}
        )
        import airflow.sdk  # noqa: F401 - once, for every try
        from airflow.sdk import NEVER_EXPIRE  # noqa: F401 - without it, this Airflow keeps no state, and nothing can go on

        import airflow_provider_cloudfn.operators.cloudfn  # noqa: F401

        print(f"{ITEMS:,} items, killed at {KILLED_AT:,}")
        return 0 if all([resumed(here, results=True), resumed(here, results=False)]) else 1
    finally:
        server.terminate()
        server.join()


if __name__ == "__main__":
    sys.exit(main())
