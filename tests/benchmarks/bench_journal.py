"""
What the journal costs one POST: the same POST that may be repeated, and so is written down nowhere, and one that may not.

Both are made by turns in one task of a real Airflow on SQLite, whose API server keeps the journal; its questions go over the
task's supervisor and HTTP, as they do in production. Run it with ``make bench``, or
``python tests/benchmarks/bench_journal.py``. It reports, and has no target: what it costs is Airflow's API.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from kit.server import LoopbackServer

from airflow_provider_cloudfn.cli.demo.airflow_api import until
from airflow_provider_cloudfn.cli.demo.airflow_server import AirflowServer

CALLS = 100
SECONDS = 300.0

DAG = '''
import time
from types import SimpleNamespace
from airflow.sdk import DAG, get_current_context, task
from airflow_provider_cloudfn import CloudFunctionOperator

def step(**parameters):
    return CloudFunctionOperator(
        task_id="call", cloudfn_conn_id="service", method="POST", uri='"/do"', body={"amount": 1999},
        do_xcom_push=False, **parameters)

class Instance:
    """The running task instance, in a generation of its own: an answer is taken once only."""
    def __init__(self, instance, generation):
        self._instance, self.max_tries = instance, generation
    def __getattr__(self, name):
        return getattr(self._instance, name)

with DAG("measure", schedule=None):
    @task
    def measure():
        import logging
        logging.disable()
        given = get_current_context()
        taken = {"without": [], "with": []}
        for number in range(CALLS + 5):
            for name, parameters in (("without", {"headers": {"Idempotency-Key": '"k"'}}), ("with", {})):
                context = {**given, "ti": Instance(given["ti"], number)}
                one = step(**parameters)
                one.render_template_fields(context)
                hook = one.hook()
                began = time.perf_counter()
                one.carry_out(context, hook)
                taken[name].append((time.perf_counter() - began) * 1000)
        return {name: times[5:] for name, times in taken.items()}
    measure()
'''.replace("CALLS", str(CALLS))


def main() -> int:
    """Measure, print a table, and return the exit code."""
    with tempfile.TemporaryDirectory() as folder, LoopbackServer() as service:
        dags = Path(folder, "dags")
        dags.mkdir()
        (dags / "measure.py").write_text(DAG)
        connection = json.dumps({"conn_type": "cloudfn", "host": service.url})
        server = AirflowServer.start(Path(folder, "home"), dags, settings={"AIRFLOW_CONN_SERVICE": connection})
        try:
            until(lambda: server.api.get("dags", limit="10")["dags"] or None, SECONDS, "Airflow has no Dag")
            run_id = server.api.trigger("measure", {})
            run = server.api.finished_run("measure", run_id, seconds=SECONDS)
            path = ("dags", "measure", "dagRuns", run_id, "taskInstances", "measure", "xcomEntries", "return_value")
            taken = server.api.get(*path)["value"] if run["state"] == "success" else None
            if taken is None:
                print(*server.api.log_lines(server.api.task_instances("measure", run_id)[0])[-20:], sep="\n")
                return 1
        finally:
            server.stop()
    taken = json.loads(taken) if isinstance(taken, str) else taken
    print(f"{'one POST':12}{'median':>10}{'90 %':>10}")
    for name, times in taken.items():
        print(f"{name:12}{statistics.median(times):7.2f} ms{statistics.quantiles(times, n=10)[-1]:7.2f} ms")
    added = statistics.median(taken["with"]) - statistics.median(taken["without"])
    print(f"the journal adds {added:.1f} ms to a POST: one question and two rows")
    return 0


if __name__ == "__main__":
    sys.exit(main())
