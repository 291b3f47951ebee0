"""
``execute()`` of a cloud function against Airflow's ``HttpOperator`` doing the same: four fields rendered, one POST, JSON back.

Ours renders CEL, theirs Jinja. With an API key theirs has it as the connection's header; with OAuth 2.0 theirs has a class of
its own for ``auth_type``, with the token kept in the process, as people write it. Measured are processor seconds of a
process that has both, in turns, in several such processes, because each has a bias of its own; and, in processes of one side, all that a process spends from its start to its end for one such call. Nine
tenths of that are Airflow's own import and its end, the same on both sides and different by a tenth from process to process; so
whether ours spends no more is judged by the rest: from where Airflow is imported to the end of the call. Last, how many
token requests 100 mapped tasks cause that are forked as Airflow forks them. Run it with ``make bench``, or
``python tests/benchmarks/bench_execute.py``. It exits with 1 when a target is missed.
"""

from __future__ import annotations

import asyncio
import gc
import json
import multiprocessing
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

HOSTS = 5
ROUNDS = 10
CALLS = 10
PROCESSES = 15
TASKS = 100
AT_ONCE = 10

TARGET_EXECUTE = 0.5
TARGET_PROCESS = 1.0

ANSWER = {"id": "ch_1", "amount": 1999, "status": "captured"}
TOKEN = {"access_token": "a-token", "token_type": "Bearer", "expires_in": 3600}

OURS = """
from airflow_provider_cloudfn import CloudFunctionOperator, cel

def operator(auth):
    return CloudFunctionOperator(
        task_id="call", cloudfn_conn_id=f"ours_{auth}", method="POST", uri='"/v1/charges/" + params.order',
        query={"environment": "params.environment"}, headers={"X-Run": "run.id"},
        body={"amount": cel("params.amount"), "customer": cel("params.customer"), "note": "paid"},
    )
"""

THEIRS = """
import json
from airflow.providers.http.operators.http import HttpOperator

def operator(auth):
    more = {"auth_type": OAuth} if auth == "oauth2" else {}
    return HttpOperator(
        task_id="call", http_conn_id=f"theirs_{auth}", method="POST",
        endpoint="/v1/charges/{{ params.order }}?environment={{ params.environment }}",
        headers={"X-Run": "{{ run_id }}", "Content-Type": "application/json"},
        data='{"amount": {{ params.amount }}, "customer": {{ params.customer | tojson }}, "note": "paid"}',
        response_filter=lambda response: response.json(), **more,
    )
"""

# What people write, kept in the process.
OAUTH = """
import requests
from requests.auth import AuthBase

class OAuth(AuthBase):
    token = None
    def __init__(self, client_id, client_secret):
        if OAuth.token is None:
            answer = requests.post(TOKEN_URL, data={"grant_type": "client_credentials"}, auth=(client_id, client_secret))
            OAuth.token = answer.json()["access_token"]
    def __call__(self, request):
        request.headers["Authorization"] = f"Bearer {OAuth.token}"
        return request
"""

# The same for both: a Dag, because a task stands in one, and a context with what the fields name.
SETTING = """
import datetime, os, sys, time
from types import SimpleNamespace
from airflow.sdk import DAG
from airflow.sdk.bases.operator import ExecutorSafeguard

begun = time.process_time()

def context():
    instance = SimpleNamespace(dag_id="d", run_id="r", task_id="call", map_index=-1, try_number=1)
    now = datetime.datetime.now(tz=datetime.timezone.utc)
    run = SimpleNamespace(
        conf={}, run_id="r", run_after=now, logical_date=now, data_interval_start=None, data_interval_end=None
    )
    return {"ti": instance, "task_instance": instance, "dag_run": run, "run_id": "r", "params": {
        "order": "1001", "environment": "production", "amount": 1999, "customer": "c-1"}}

def task(auth):
    with DAG("d", schedule=None):
        # As the task runner does, before it renders.
        return operator(auth).prepare_for_execution()

def carry_out(one):
    given = context()
    one.render_template_fields(given)
    # As the task runner does; without it, Airflow warns of each call.
    ExecutorSafeguard.tracker.set(one)
    return one.execute(given)
"""


class Answering(asyncio.Protocol):
    """Answers each request of a connection, and counts those for a token."""

    token_requests = 0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        if not end or len(body) < int(length or 0):
            return
        self._received = b""
        path = head.split(b" ", 2)[1]
        answer: Any = ANSWER
        if path == b"/token":
            Answering.token_requests += 1
            answer = TOKEN
        elif path == b"/count":
            answer, Answering.token_requests = Answering.token_requests, 0
        content = json.dumps(answer).encode()
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(content) + content
        )


def serve(port_of: Connection) -> None:
    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0)
        port_of.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def connections(url: str) -> dict[str, dict[str, Any]]:
    return {
        "ours_api_key": {
            "conn_type": "cloudfn",
            "host": url,
            "password": "the-key",
            "extra": {"auth_type": "api_key", "key_name": "X-Api-Key", "allow_http": False},
        },
        "ours_oauth2": {
            "conn_type": "cloudfn",
            "host": url,
            "password": "the-secret",
            "extra": {"auth_type": "oauth2", "client_id": "c", "oauth2_url": f"{url}/token", "allow_http": False},
        },
        "theirs_api_key": {"conn_type": "http", "host": url, "extra": {"X-Api-Key": "the-key"}},
        "theirs_oauth2": {"conn_type": "http", "host": url, "login": "c", "password": "the-secret"},
    }


@dataclass(frozen=True)
class Side:
    """One of the two: the text of its program, for processes of its own, and what that defines, for this one."""

    name: str
    source: str

    def program(self, auth: str, url: str) -> str:
        needs_class = self.name == "theirs" and auth == "oauth2"
        return "\n".join(
            [SETTING, OAUTH.replace("TOKEN_URL", repr(f"{url}/token")) if needs_class else "", self.source]
        )

    def defined(self, auth: str, url: str) -> SimpleNamespace:
        names: dict[str, Any] = {}
        exec(compile(self.program(auth, url), self.name, "exec"), names)
        return SimpleNamespace(**names)


SIDES = (Side("ours", OURS), Side("theirs", THEIRS))


def warm(side: Side, auth: str, url: str) -> Callable[[], tuple[float, float]]:
    """Return what measures some tasks in a row: processor and wall seconds of one, its making not included."""
    defined = side.defined(auth, url)
    assert defined.carry_out(defined.task(auth)) == ANSWER

    def measured() -> tuple[float, float]:
        tasks = [defined.task(auth) for _ in range(CALLS)]
        # Each side pays for its own garbage, not for what the other one has left.
        gc.collect()
        wall, processor = time.perf_counter(), time.process_time()
        for one in tasks:
            defined.carry_out(one)
        return (time.process_time() - processor) / CALLS, (time.perf_counter() - wall) / CALLS

    return measured


def fresh(side: Side, auth: str, url: str) -> tuple[float, float]:
    """
    Return the processor seconds of a process that imports what it needs and carries one task out.

    All of them, and those from where Airflow is imported to the end of the call.
    """
    program = (
        f"{side.program(auth, url)}\nassert carry_out(task({auth!r})) == {ANSWER!r}\n"
        "print(time.process_time() - begun, flush=True)\n"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return spent, float(done.stdout.splitlines()[-1])


def row(name: str, auth: str, ours: float, theirs: float, unit: str, target: float | None, ratio: float) -> bool:
    verdict = "" if target is None else f"   ≤ {target}: {'met' if ratio <= target else 'missed'}"
    print(f"{name:<40}{auth:<10}{ours:>9.2f}{theirs:>9.2f} {unit:<4}{ratio:>6.2f}{verdict}", flush=True)
    return target is not None and ratio > target


def log_as_a_task() -> None:
    """Have lines written as JSON, as in a task, to where nobody reads them."""
    from airflow.sdk.log import configure_logging

    configure_logging(json_output=True, output=Path(os.devnull).open("wb"))  # noqa: SIM115 - for as long as it runs
    sys.excepthook = sys.__excepthook__


def measure_warm(auth: str, url: str) -> dict[str, list[tuple[float, float]]]:
    """Return what this process measures of each side, pair by pair."""
    log_as_a_task()
    measures = {side.name: warm(side, auth, url) for side in SIDES}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in measures}
    for _ in range(ROUNDS):
        for name, measure in measures.items():
            found[name].append(measure())
    return found


def compare_warm(auth: str, url: str) -> bool:
    found: dict[str, list[tuple[float, float]]] = {side.name: [] for side in SIDES}
    for _ in range(HOSTS):
        done = subprocess.run(
            [sys.executable, __file__, auth, url], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        for name, pairs in json.loads(done.stdout.splitlines()[-1]).items():
            found[name] += pairs
    missed = False
    # Pair by pair: what slows the machine down for a while slows both sides of a pair.
    for column, (name, target) in enumerate((("processor", TARGET_EXECUTE), ("wall", None))):
        ours, theirs = ([pair[column] for pair in found[side.name]] for side in SIDES)
        ratio = statistics.median(one / other for one, other in zip(ours, theirs, strict=True))
        medians = [statistics.median(side) * 1000 for side in (ours, theirs)]
        missed |= row(f"execute(), {name} time", auth, *medians, "ms", target, ratio)
    return missed


def compare_fresh(auth: str, url: str) -> bool:
    found: dict[str, list[tuple[float, float]]] = {side.name: [] for side in SIDES}
    for round_ in range(PROCESSES + 1):
        for side in SIDES:
            spent = fresh(side, auth, url)
            if round_:
                found[side.name].append(spent)
    missed = False
    for column, (name, target) in enumerate((("all", None), ("beyond Airflow's import", TARGET_PROCESS))):
        ours, theirs = ([pair[column] for pair in found[side.name]] for side in SIDES)
        ratio = statistics.median(one / other for one, other in zip(ours, theirs, strict=True))
        missed |= row(
            f"fresh process, {name}", auth, statistics.median(ours), statistics.median(theirs), "s", target, ratio
        )
    return missed


def count_token_requests(url: str) -> bool:
    """Fork a process for each task, as Airflow does, from one that has imported all but has no token."""
    import urllib.request

    log_as_a_task()
    defined = SIDES[0].defined("oauth2", url)
    _forget_tokens()
    urllib.request.urlopen(f"{url}/count").read()
    running: set[int] = set()
    failed = 0
    for _ in range(TASKS):
        if len(running) == AT_ONCE:
            failed += _one_of(running)
        child = os.fork()
        if not child:
            try:
                defined.carry_out(defined.task("oauth2"))
            except BaseException:
                os._exit(1)
            os._exit(0)
        running.add(child)
    while running:
        failed += _one_of(running)
    requests = int(urllib.request.urlopen(f"{url}/count").read())
    met = requests == 1 and not failed
    print(
        f"{f'token requests of {TASKS} mapped tasks':<40}{'oauth2':<10}{requests:>9}   = 1: {'met' if met else 'missed'}"
    )
    if failed:
        print(f"{failed} tasks failed")
    return not met


def _one_of(running: set[int]) -> int:
    child, status = os.wait()
    running.discard(child)
    return int(status != 0)


def _forget_tokens() -> None:
    from airflow_provider_cloudfn.auth.token_store import PROCESS_TOKENS
    from airflow_provider_cloudfn.hooks import token_sharing

    PROCESS_TOKENS._tokens.clear()
    token_sharing._token_store.cache_clear()
    shutil.rmtree(os.environ["AIRFLOW__CLOUDFN__TOKEN_STORE_FOLDER"], ignore_errors=True)
    Path(os.environ["AIRFLOW__CLOUDFN__TOKEN_STORE_FOLDER"]).mkdir()


def main() -> int:
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    server.start()
    home = tempfile.mkdtemp(prefix="cloudfn-bench-")
    try:
        url = f"http://127.0.0.1:{here.recv()}"
        os.environ.update(
            {
                "AIRFLOW_HOME": home,
                "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
                "AIRFLOW__CLOUDFN__TOKEN_STORE_FOLDER": f"{home}/tokens",
                **{f"AIRFLOW_CONN_{name.upper()}": json.dumps(given) for name, given in connections(url).items()},
            }
        )
        Path(home, "tokens").mkdir()
        # As in an installed wheel: what is not compiled yet is compiled once, in the round that does not count.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        print(f"{'':<50}{'ours':>9}{'theirs':>9} {'':<4}{'ratio':>6}")
        missed = [compare_warm(auth, url) for auth in ("api_key", "oauth2")]
        missed += [compare_fresh(auth, url) for auth in ("api_key", "oauth2")]
        missed.append(count_token_requests(url))
        return int(any(missed))
    finally:
        server.terminate()
        server.join()
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    if sys.argv[1:]:
        print(json.dumps(measure_warm(*sys.argv[1:])))
    else:
        sys.exit(main())
