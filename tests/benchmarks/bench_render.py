"""
What ``airflow cloudfn render`` adds to loading the Dag, for a Dag with 50 cloud functions of which each reads the one before.

Every measurement is a process of its own, from its start to its end: one that builds Airflow's command line and loads the Dag
file, and one that renders its last step with a sample of all steps. Run it with ``make bench``, or
``python tests/benchmarks/bench_render.py``. It exits with 1 when a target is missed.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TASKS = 50
ROUNDS = 5
TARGET_SECONDS = 1.0

DAG = """
from airflow.sdk import DAG
from airflow_provider_cloudfn import CloudFunctionOperator

with DAG("fifty", schedule=None, params={"day": "2026-01-31"}):
    before = None
    for index in range(TASKS):
        reads = f"steps.call_{index - 1}.id" if index else "params.day"
        call = CloudFunctionOperator(
            task_id=f"call_{index}", cloudfn_conn_id="api", method="POST",
            uri='"/v1/orders/" + url.encode(' + reads + ')',
            query={"environment": '"production"', "day": "params.day"},
            headers={"Idempotency-Key": "run.idempotency_key"},
            body='{"before": ' + reads + ', "number": %d, "tags": ["a", "b"]}' % index,
        )
        if before is not None:
            before >> call
        before = call
""".replace("TASKS", str(TASKS))

LOAD = """
import sys
from airflow.cli.cli_parser import get_parser
get_parser()
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(sys.argv[1], safe_mode=False)
assert len(bag.dags["fifty"].tasks) == TASKS, bag.import_errors
""".replace("TASKS", str(TASKS))

RENDER = """
import sys
from airflow.cli.cli_parser import get_parser
options = get_parser().parse_args(["cloudfn", "render", "fifty", "call_LAST", "--json", *sys.argv[1:]])
options.func(options)
""".replace("LAST", str(TASKS - 1))


def seconds(code: str, *arguments: str) -> tuple[float, float, str]:
    """Return how long a process takes, how much of that it computes, and what it prints."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    ended = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    took, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, ended.stdout


def main() -> int:
    """Measure, print a table, and return the exit code."""
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(AIRFLOW_HOME=home, AIRFLOW__CORE__LOAD_EXAMPLES="False")
        file, sample = Path(home, "fifty.py"), Path(home, "sample.json")
        file.write_text(DAG)
        steps = {f"call_{index}": {"id": str(index), "items": list(range(100))} for index in range(TASKS)}
        sample.write_text(json.dumps({"steps": steps}))
        loads: list[tuple[float, float]] = []
        renders: list[tuple[float, float]] = []
        # One of each by turns: what else the machine does meets both.
        for number in range(ROUNDS + 1):
            *load, _ = seconds(LOAD, str(file))
            *render, printed = seconds(RENDER, "--file", str(file), "--sample", str(sample))
            assert json.loads(printed)["request"]["body"]["before"] == str(TASKS - 2)
            if number:  # the first round warms the file system up
                loads.append((load[0], load[1]))
                renders.append((render[0], render[1]))
    print(f"{'':24}{'wall, median':>14}{'wall, min':>12}{'CPU, median':>14}{'CPU, min':>12}")
    for name, taken in (("load the Dag", loads), ("render its last step", renders)):
        wall, computed = [one[0] for one in taken], [one[1] for one in taken]
        print(
            f"{name:24}{statistics.median(wall):13.2f}s{min(wall):11.2f}s{statistics.median(computed):13.2f}s{min(computed):11.2f}s"
        )
    # Neither process waits for anything, so that what a busy machine adds to the wall clock is not theirs.
    added = statistics.median(one[1] for one in renders) - statistics.median(one[1] for one in loads)
    print(f"added by render: {added:.2f} s of CPU; target: at most {TARGET_SECONDS:.2f} s")
    return 0 if added <= TARGET_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
