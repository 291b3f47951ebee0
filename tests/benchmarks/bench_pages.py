"""
How long the pages take where there is much: 10,000 functions in 1,000 Dags, 1,000,000 task instances, each with a call record.

It wants an empty PostgreSQL, which it fills with made-up rows (a few minutes, 4 GB):

    AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=postgresql+psycopg2://… python tests/benchmarks/bench_pages.py

Each page is asked for over Airflow's own application, by somebody who may read all Dags. The target is one second. The first
list of all is told apart: it reads every Dag once, and what it has read is kept for as long as the API server runs.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="cloudfn-bench-"))
os.environ["AIRFLOW__CORE__AUTH_MANAGER"] = "kit.rights.RightsByDag"
os.environ["AIRFLOW__API_AUTH__JWT_SECRET"] = "secret" * 16
os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "ERROR"

DAGS, TASKS, RUNS = 1_000, 10, 100
TIMES = 10
TARGET = 1.0

#: What a run id is in the made-up rows.
RUN = "'manual__' || lpad(r::text, 8, '0')"
ROWS = f"""
INSERT INTO dag_bundle (name, active) VALUES ('made-up', true);
INSERT INTO dag (dag_id, is_paused, is_stale, bundle_name, timetable_type, partition_mapper_info, max_active_tasks,
                 max_consecutive_failed_dag_runs, has_task_concurrency_limits)
  SELECT 'dag_' || lpad(d::text, 4, '0'), false, false, 'made-up', 'x', '{{}}', 16, 0, false FROM generate_series(0, {DAGS - 1}) d;
INSERT INTO dag_version (id, version_number, dag_id, bundle_name, created_at, last_updated)
  SELECT gen_random_uuid(), 1, dag_id, 'made-up', now(), now() FROM dag;
INSERT INTO dag_run (dag_id, run_id, run_type, state, run_after, start_date)
  SELECT dag_id, {RUN}, 'manual', 'success', now() - (({RUNS} - r) || ' hours')::interval, now()
  FROM generate_series(0, {RUNS - 1}) r, dag;
INSERT INTO task_instance (id, task_id, dag_id, run_id, map_index, try_number, max_tries, pool, pool_slots, state, dag_version_id,
                           start_date)
  SELECT gen_random_uuid(), 'call_' || t, run.dag_id, run.run_id, -1, 1, 0, 'default_pool', 1, 'success', v.id, run.run_after
  FROM dag_run run JOIN dag_version v USING (dag_id), generate_series(0, {TASKS - 1}) t;
INSERT INTO xcom (dag_run_id, task_id, map_index, key, dag_id, run_id, value, timestamp)
  SELECT run.id, 'call_' || t, -1, 'cloudfn_call', run.dag_id, run.run_id, %s::jsonb, now()
  FROM dag_run run, generate_series(0, {TASKS - 1}) t;
ANALYZE;
"""


def fill(url: str) -> None:
    """Make the tables and the rows."""
    from airflow.utils.db import initdb
    from airflow.utils.session import create_session
    from kit.call_records import call_record
    from sqlalchemy import create_engine, text

    initdb()
    with create_session() as session:
        if session.execute(text("SELECT count(*) FROM dag_run")).scalar():
            return
    started = time.monotonic()
    record = json.dumps(call_record().to_dict())
    with create_engine(url).begin() as connection:
        cursor: Any = connection.connection.cursor()
        cursor.execute(ROWS, (record,))
    with create_session() as session:
        for number in range(DAGS):
            _serialize(session, f"dag_{number:04}")
    print(f"filled in {time.monotonic() - started:.0f} s")


def _serialize(session: Any, dag_id: str) -> None:
    """Keep a Dag as Airflow does when it has parsed it."""
    from airflow.models.dag_version import DagVersion
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.sdk import DAG
    from airflow.serialization.serialized_objects import DagSerialization, LazyDeserializedDAG
    from sqlalchemy import select

    from airflow_provider_cloudfn import CloudFunctionOperator

    with DAG(dag_id, schedule=None) as dag:
        for task in range(TASKS):
            CloudFunctionOperator(
                task_id=f"call_{task}",
                cloudfn_conn_id="service",
                uri='"/v1/charges"',
                body='{"amount": params.amount}',
            )
    row = SerializedDagModel(LazyDeserializedDAG(data=DagSerialization.to_dict(dag)))
    row.dag_version_id = session.scalar(select(DagVersion.id).where(DagVersion.dag_id == dag_id))
    session.add(row)


def main() -> None:
    """Fill, ask, and tell."""
    url = os.environ.get("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "")
    if not url.startswith("postgresql"):
        print("not measured: AIRFLOW__DATABASE__SQL_ALCHEMY_CONN must lead to an empty PostgreSQL")
        return
    fill(url)
    from airflow.api_fastapi.app import create_app
    from kit import rights
    from starlette.testclient import TestClient

    client = TestClient(create_app(apps="core"))
    # The list can be sorted by what is measured where it is as short as for the second of them.
    rights.READS.update(
        all={f"dag_{number:04}" for number in range(DAGS)}, few={f"dag_{number:04}" for number in range(5)}
    )
    sessions = {name: rights.session_of(name) for name in rights.READS}
    pages = {
        "first of all": "/cloudfn/",
        "all functions": "/cloudfn/",
        "the last of them": f"/cloudfn/?page={DAGS * TASKS // 25}",
        "found": "/cloudfn/?q=dag_0500",
        "few, by 95 %": "/cloudfn/?sort=p95",
        "one function": "/cloudfn/functions/dag_0500/call_5",
        "a call": "/cloudfn/calls/dag_0500/manual__00000050/call_5/-1",
        "events": "/cloudfn/completion-events",
        "try it": "/cloudfn/try/dag_0500/call_5",
    }
    is_slow = False
    for name, path in pages.items():
        took = []
        client.cookies.set("_token", sessions["few" if name.startswith("few") else "all"])
        for _ in range(1 if name.startswith("first") else TIMES):
            started = time.perf_counter()
            answer = client.get(path)
            took.append(time.perf_counter() - started)
            assert answer.status_code == 200, (path, answer.status_code)
        is_slow |= name in list(pages)[1:] and max(took) > TARGET
        print(f"{name:18} median {statistics.median(took) * 1000:7.0f} ms   worst {max(took) * 1000:7.0f} ms")
    sys.exit(1 if is_slow else 0)


if __name__ == "__main__":
    main()
