"""
The time to parse a Dag file with 200 cloud functions, expressions checked, against one with 200 ``HttpOperator``.

Besides, that of a file with 5,000 tasks of somebody else and one of ours, which reads the first of them, against the same file
with an ``HttpOperator`` in its place. Each parse is in a forked child of a process that has Airflow loaded, as Airflow's own parser does it. Run it with
``make bench``, or ``python tests/benchmarks/bench_dag_parse.py``. It exits with 1 when a target is missed.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

TASKS = 200
ROUNDS = 9
MANY = 5_000
TARGET = 1.1

OURS = """
from airflow.sdk import DAG
from airflow_provider_cloudfn import CloudFunctionOperator

with DAG("ours", schedule=None, params={"day": "2026-01-31"}):
    before = None
    for index in range(TASKS):
        reads = f"steps.call_{index - 1}.id" if index else "params.day"
        call = CloudFunctionOperator(
            task_id=f"call_{index}", cloudfn_conn_id="api", method="POST",
            uri='"/v1/orders/" + url.encode(' + reads + ')',
            query={"environment": '"production"', "day": "params.day"},
            headers={"Content-Type": '"application/json"', "Idempotency-Key": "run.idempotency_key"},
            body='{"before": ' + reads + ', "number": %d, "tags": ["a", "b"]}' % index,
        )
        if before is not None:
            before >> call
        before = call
""".replace("TASKS", str(TASKS))

THEIRS = """
from airflow.sdk import DAG
from airflow.providers.http.operators.http import HttpOperator

with DAG("theirs", schedule=None, params={"day": "2026-01-31"}):
    before = None
    for index in range(TASKS):
        reads = "{{ ti.xcom_pull('call_%d')['id'] }}" % (index - 1) if index else "{{ params.day }}"
        call = HttpOperator(
            task_id=f"call_{index}", http_conn_id="api", method="POST",
            endpoint="/v1/orders/" + reads + "?environment=production&day={{ params.day }}",
            headers={"Content-Type": "application/json", "Idempotency-Key": "{{ run_id }}"},
            data='{"before": "' + reads + '", "number": %d, "tags": ["a", "b"]}' % index,
        )
        if before is not None:
            before >> call
        before = call
""".replace("TASKS", str(TASKS))


MANY_WITH = """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG
IMPORT

with DAG("many", schedule=None):
    before = None
    for index in range(MANY):
        task = EmptyOperator(task_id=f"step_{index}")
        if before is not None:
            before >> task
        before = task
    before >> CALL
""".replace("MANY", str(MANY))

MANY_WITH_OURS = MANY_WITH.replace("IMPORT", "from airflow_provider_cloudfn import CloudFunctionOperator").replace(
    "CALL", """CloudFunctionOperator(task_id="call", cloudfn_conn_id="api", uri='"/v1/orders/" + steps.step_0.id')"""
)
MANY_WITHOUT = MANY_WITH.replace("IMPORT", "from airflow.providers.http.operators.http import HttpOperator").replace(
    "CALL", 'HttpOperator(task_id="call", http_conn_id="api", endpoint="/v1/orders")'
)


def main() -> int:
    # As in an installed wheel: what is not compiled yet is compiled once, in the round that does not count.
    sys.dont_write_bytecode = False
    folder = Path(tempfile.mkdtemp(prefix="cloudfn-bench-"))
    os.environ.setdefault("AIRFLOW_HOME", str(folder / "home"))
    os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
    from airflow.dag_processing import dagbag

    logging.disable(logging.INFO)

    # As Airflow's Dag processor does before it forks.
    gc.freeze()
    few = _compare(dagbag, folder, f"{TASKS} tasks", OURS, THEIRS)
    many = _compare(dagbag, folder, f"{MANY:,} tasks, one of them ours", MANY_WITH_OURS, MANY_WITHOUT)
    return 0 if few and many else 1


def _compare(dagbag: object, folder: Path, what: str, with_ours: str, with_theirs: str) -> bool:
    """Parse two files in turns, print what it took, and return whether ours meets the target."""
    files = {"ours": folder / "ours.py", "theirs": folder / "theirs.py"}
    files["ours"].write_text(with_ours)
    files["theirs"].write_text(with_theirs)
    times: dict[str, list[dict[str, float]]] = {"ours": [], "theirs": []}
    for round_ in range(ROUNDS + 1):
        for name, file in files.items():
            measured = _in_a_child(dagbag, file)
            if round_:
                times[name].append(measured)
    ours = statistics.median(one["whole"] for one in times["ours"])
    share = statistics.median(one["policy"] for one in times["ours"])
    theirs = statistics.median(one["whole"] for one in times["theirs"])
    ratio = statistics.median(
        mine["whole"] / other["whole"] for mine, other in zip(times["ours"], times["theirs"], strict=True)
    )
    print(f"{f'parse of a Dag file with {what}':48} {'median':>10}")
    print(f"{'CloudFunctionOperator, expressions checked':48} {ours * 1000:8.1f} ms")
    print(f"{'  of it the check of the expressions':48} {share * 1000:8.1f} ms")
    print(f"{'HttpOperator':48} {theirs * 1000:8.1f} ms")
    met = ratio <= TARGET
    print(f"{'ratio, pair by pair':48} {ratio:8.2f}      target <= {TARGET}: {'met' if met else 'MISSED'}")
    return met


def _in_a_child(dagbag: object, file: Path) -> dict[str, float]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            os.write(writing, json.dumps(_parse(dagbag, file)).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    measured: dict[str, float] = json.loads(text)
    if "error" in measured:
        raise SystemExit(f"{file.name} does not parse: {measured['error']}")
    return measured


def _parse(dagbag: object, file: Path) -> dict[str, object]:
    policy = dagbag.settings.dag_policy  # type: ignore[attr-defined]  # a module
    spent = 0.0

    def timed(dag: object) -> None:
        nonlocal spent
        start = time.perf_counter()
        policy(dag)
        spent += time.perf_counter() - start

    dagbag.settings.dag_policy = timed  # type: ignore[attr-defined]  # a module
    start = time.perf_counter()
    bag = dagbag.DagBag(str(file))  # type: ignore[attr-defined]  # a module
    whole = time.perf_counter() - start
    if bag.import_errors:
        return {"error": str(bag.import_errors)}
    return {"whole": whole, "policy": spent}


if __name__ == "__main__":
    sys.exit(main())
