"""
Calls a second in a real Airflow: one `for_each` task against mapped `HttpOperator`s, over the same server on loopback.

It starts an Airflow of its own, so ``make bench`` leaves it out: ``python tests/benchmarks/mapped_calls.py``. Each side's time is
from the start of its first task to the end of its last, as Airflow's database has them. It gives up after ten minutes.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import multiprocessing
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench_for_each import serve

from airflow_provider_cloudfn.cli.demo.airflow_api import until
from airflow_provider_cloudfn.cli.demo.airflow_server import AirflowServer

if TYPE_CHECKING:
    from collections.abc import Iterator

MAPPED = 100
ITEMS = 10_000
CONCURRENCY = 64
SECONDS = 600.0
GOAL = 500.0

DAGS = f"""
from airflow.providers.http.operators.http import HttpOperator
from airflow.sdk import DAG

from airflow_provider_cloudfn import CloudFunctionOperator, ForEach

with DAG("mapped", schedule=None, is_paused_upon_creation=False):
    HttpOperator.partial(task_id="call", http_conn_id="plain", method="POST", endpoint="v1/charges").expand(
        data=['{{"customer": "c-%d"}}' % number for number in range({MAPPED})]
    )

with DAG("for_each", schedule=None, is_paused_upon_creation=False):
    CloudFunctionOperator(
        task_id="call",
        cloudfn_conn_id="service",
        method="POST",
        uri='"/v1/charges/" + string(item)',
        headers={{"X-Item": "string(index)"}},
        body='{{"amount": 1999, "customer": "c-" + string(item)}}',
        returns="response.body.id",
        for_each=ForEach(list(range({ITEMS})), concurrency={CONCURRENCY}),
    )
"""


@contextlib.contextmanager
def service() -> Iterator[str]:
    """Run the server in a process of its own."""
    hears, says = multiprocessing.get_context("spawn").Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(says,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{hears.recv()}"
    finally:
        process.terminate()


def connect(server: AirflowServer, url: str) -> None:
    """Define the connections of both sides."""
    host, port = url.removeprefix("http://").split(":")
    plain = {"connection_id": "plain", "conn_type": "http", "host": host, "port": int(port)}
    server.api.create("connections", json=plain)
    extra = json.dumps({"auth_type": "none"})
    server.api.create(
        "connections", json={"connection_id": "service", "conn_type": "cloudfn", "host": url, "extra": extra}
    )


def calls_a_second(server: AirflowServer, dag_id: str, calls: int) -> float:
    """Run a Dag and return how many calls it made a second."""
    until(partial(_has, server, dag_id), SECONDS, f"Airflow has no Dag {dag_id}")
    run_id = server.api.trigger(dag_id, {})
    ended = server.api.finished_run(dag_id, run_id, seconds=SECONDS)
    assert ended["state"] == "success", ended
    instances = server.api.task_instances(dag_id, run_id)
    begun, over = (sorted(map(_moment, (one[name] for one in instances))) for name in ("start_date", "end_date"))
    return calls / (over[-1] - begun[0]).total_seconds()


def _has(server: AirflowServer, dag_id: str) -> bool | None:
    return any(dag["dag_id"] == dag_id for dag in server.api.get("dags", limit="100")["dags"]) or None


def _moment(text: Any) -> dt.datetime:
    return dt.datetime.fromisoformat(str(text))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, service() as url:
        dags = Path(folder, "dags")
        dags.mkdir()
        (dags / "calls.py").write_text(DAGS)
        server = AirflowServer.start(Path(folder), dags)
        try:
            connect(server, url)
            mapped = calls_a_second(server, "mapped", MAPPED)
            ours = calls_a_second(server, "for_each", ITEMS)
        finally:
            server.stop()
    print(f"mapped HttpOperators {mapped:>10,.1f} calls/s   ({MAPPED} calls)")
    print(f"for_each             {ours:>10,.1f} calls/s   ({ITEMS:,} calls, {CONCURRENCY} at a time)")
    print(
        f"ratio                {ours / mapped:>10,.0f}           (goal > {GOAL:,.0f}: {'met' if ours > GOAL * mapped else 'missed'})"
    )


if __name__ == "__main__":
    main()
