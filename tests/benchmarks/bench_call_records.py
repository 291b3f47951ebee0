"""
What a call record costs a task: ``execute()`` with ``[cloudfn] call_records = all`` against ``none``, pair by pair in one process.

Measured are processor seconds, of a plain call and of a batch. The push itself, one request to Airflow's API as for any XCom, is
not in them: what is pushed goes to a list. Besides, what a process spends once on importing what makes records, unless it was
forked from one that has (``operators/preload``). A task of Airflow takes about 0.65 s; the target is 3 % of that, and 10 ms at most.
Run it with ``make bench``, or ``python tests/benchmarks/bench_call_records.py``. It exits with 1 when a target is missed.
"""

from __future__ import annotations

import datetime as dt
import gc
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

ROUNDS = 20
CALLS = 3
ITEMS = 50
#: Milliseconds.
TARGET = 10.0

HOME = tempfile.mkdtemp(prefix="cloudfn-bench-")
os.environ.update({"AIRFLOW_HOME": HOME, "AIRFLOW__CORE__LOAD_EXAMPLES": "False"})


def context(pushed: list[Any]) -> Any:
    instance = SimpleNamespace(
        dag_id="d",
        run_id="r",
        task_id="call",
        map_index=-1,
        try_number=1,
        max_tries=1,
        xcom_push=lambda key, value: pushed.append((key, value)),
    )
    now = dt.datetime.now(tz=dt.UTC)
    dates = {"run_after": now, "logical_date": now, "data_interval_start": None, "data_interval_end": None}
    run = SimpleNamespace(conf={}, run_id="r", **dates)
    return {"ti": instance, "task_instance": instance, "dag_run": run, "run_id": "r", "params": {"amount": 1999}}


def measured(make: Any, records: str) -> tuple[float, int]:
    """Return the processor milliseconds of one task, and the bytes of its record."""
    from airflow.sdk.bases.operator import ExecutorSafeguard

    os.environ["AIRFLOW__CLOUDFN__CALL_RECORDS"] = records
    pushed: list[Any] = []
    prepared = []
    for _ in range(CALLS):
        given = context(pushed)
        one = make().prepare_for_execution()
        one.render_template_fields(given)
        prepared.append((one, given))
    gc.collect()
    begun = time.process_time()
    for one, given in prepared:
        ExecutorSafeguard.tracker.set(one)
        one.execute(given)
    spent = (time.process_time() - begun) / CALLS * 1000
    sizes = [len(json.dumps(value)) for key, value in pushed if key == "cloudfn_call"]
    assert len(sizes) == (CALLS if records == "all" else 0)
    return spent, max(sizes, default=0)


def compare(name: str, make: Any) -> bool:
    spent: dict[str, list[float]] = {"all": [], "none": []}
    size = 0
    for records in spent:
        measured(make, records)
    for _ in range(ROUNDS):
        for records, found in spent.items():
            one, largest = measured(make, records)
            found.append(one)
            size = max(size, largest)
    more = statistics.median(one - other for one, other in zip(spent["all"], spent["none"], strict=True))
    medians = [statistics.median(found) for found in spent.values()]
    verdict = "met" if more <= TARGET else "missed"
    print(
        f"{name:<24}{medians[0]:>9.2f}{medians[1]:>9.2f} ms{more:>8.2f} ms   ≤ {TARGET:g} ms: {verdict}{size:>9,} bytes"
    )
    return more > TARGET


IMPORT = """
import time
import airflow_provider_cloudfn.operators.cloudfn, airflow_provider_cloudfn.client.client, airflow_provider_cloudfn.client.connector
begun = time.process_time()
import airflow_provider_cloudfn.records.recorder, airflow_provider_cloudfn.records.room
print((time.process_time() - begun) * 1000)
"""


def imported() -> bool:
    """Measure, in processes of their own, what it takes to import what makes records: from bytecode, as pip installs it."""
    spent = []
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(Path(HOME) / "bytecode")
    for _ in range(7):
        command = [sys.executable, "-c", IMPORT]
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
        spent.append(float(done.stdout.splitlines()[-1]))
    median = statistics.median(spent)
    verdict = "met" if median <= TARGET else "missed"
    print(f"{'import, once':<24}{'':>21}{median:>8.2f} ms   ≤ {TARGET:g} ms: {verdict}")
    return median > TARGET


def main() -> int:
    from airflow.sdk import DAG
    from airflow.sdk.log import configure_logging
    from kit.server import Answer, LoopbackServer

    from airflow_provider_cloudfn import CloudFunctionOperator, ForEach, cel

    configure_logging(json_output=True, output=Path(os.devnull).open("wb"))  # noqa: SIM115 - for as long as it runs
    answer = {"id": "ch_1", "amount": 1999, "lines": [{"sku": f"s-{number}", "count": number} for number in range(60)]}
    with LoopbackServer(reply=lambda request: Answer.of(200, answer, {"X-Request-Id": "r-1"})) as server:
        extra = {"auth_type": "api_key", "key_name": "X-Api-Key", "allow_http": False}
        fields = {"conn_type": "cloudfn", "host": server.url, "password": "the/k3y+of it", "extra": extra}
        os.environ["AIRFLOW_CONN_SERVICE"] = json.dumps(fields)

        def one(**parameters: Any) -> Any:
            with DAG("d", schedule=None):
                return CloudFunctionOperator(task_id="call", cloudfn_conn_id="service", method="POST", **parameters)

        body = {"amount": cel("params.amount"), "customer": "c-1", "note": "n" * 2_000}
        items = list(range(ITEMS))
        print(f"{'':<24}{'all':>9}{'none':>9}   {'more':>8}")
        missed = [
            imported(),
            compare("one call", lambda: one(uri='"/v1/charges"', body=body, idempotency_key=True)),
            compare(
                f"{ITEMS} calls of a batch",
                lambda: one(uri='"/v1/" + string(item)', for_each=ForEach(items), idempotency_key=True),
            ),
        ]
    return int(any(missed))


if __name__ == "__main__":
    try:
        ended = main()
    finally:
        shutil.rmtree(HOME, ignore_errors=True)
    sys.exit(ended)
