"""``airflow cloudfn demo --once`` and ``make demo ONCE=1``, without make: a real Airflow, the example Dags, the sandbox."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from kit import in_memory

from airflow_provider_cloudfn.cli.demo import __main__ as program
from airflow_provider_cloudfn.cli.demo.airflow_server import AirflowServer
from airflow_provider_cloudfn.cli.demo.order_to_cash import RECEIVES, create_connections
from airflow_provider_cloudfn.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EXAMPLES = Path(__file__).parents[2] / "example_dags"
pytestmark = [pytest.mark.system, pytest.mark.one_run_per_event]


def _ended(command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=280, check=False
    )


def _nothing_is_left(home: Path) -> bool:
    return not [process for process in psutil.process_iter() if _lives_in(process, home)]


def _lives_in(process: psutil.Process, home: Path) -> bool:
    try:
        return Path(process.cwd()).is_relative_to(home)
    except (psutil.Error, OSError):
        return False


def test_it_tells_what_happened_and_leaves_nothing_running(tmp_path: Path) -> None:
    place = in_memory.new_folder()
    home = place / "demo"
    command = [sys.executable, "-m", "airflow", "cloudfn", "demo", "--once", "--home", str(home)]
    ended = _ended(command, AIRFLOW_HOME=str(tmp_path / "another"))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    said = [
        f"The demo's folder is {home}; its Dags are in {home / 'dags'}",
        "Connections created: shop, payments",
        "Step fetch_order (CloudFunctionOperator) - success",
        "-> GET /header/v1/orders/1001",
        "x-api-key: ***",
        "Step charge (CloudFunctionOperator) - success",
        "-> POST /oauth2/v1/charges?environment=production",
        "authorization: Bearer ***",
        "The completion event charge.created",
        "It started Dag fulfil, run ",
        "Step start (EmporixStartOperator) - success",
        "-> POST /e/",
        "The process in Emporix: ",
        "Right: the process has the charge that the shop stored: ch_",
    ]
    places = [ended.stdout.index(text) for text in said]
    assert places == sorted(places)
    assert _nothing_is_left(place)


@pytest.fixture(scope="module")
def wrong_airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[AirflowServer, Sandbox]]:
    """Return an Airflow whose consumer has another result, and a sandbox; both are started once for demos that fail."""
    dags = tmp_path_factory.mktemp("wrong-dags")
    example = (EXAMPLES / "order_to_cash.py").read_text()
    wrong = example.replace('"charge": response.body}', '"charge": {"id": "another"}}')
    assert wrong != example
    (dags / "order_to_cash.py").write_text(wrong)
    with Sandbox.start() as sandbox:
        server = AirflowServer.start(in_memory.new_folder(), dags, settings=RECEIVES)
        try:
            create_connections(server.api, sandbox)
            yield server, sandbox
        finally:
            server.stop()


@pytest.fixture
def demo(
    wrong_airflow: tuple[AirflowServer, Sandbox],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., str]:
    """Return a function that runs a demo that has to fail, in this process, and returns what it tells."""
    server, sandbox = wrong_airflow
    stopped: list[AirflowServer] = []
    monkeypatch.setattr(AirflowServer, "start", lambda *_, **__: server)
    monkeypatch.setattr(AirflowServer, "stop", lambda ended: stopped.append(ended))
    monkeypatch.setattr(Sandbox, "start", lambda: nullcontext(sandbox))
    monkeypatch.setattr(program, "create_connections", lambda *_: sandbox.connections())

    def run(*more: str) -> str:
        assert program.main(["--home", str(tmp_path), "--dags", str(EXAMPLES), "--once", *more]) == 1
        assert stopped == [server]
        return capsys.readouterr().out

    return run


def test_it_fails_with_the_log_of_the_step_that_failed(demo: Callable[..., str]) -> None:
    told = demo("--order", "no-such-order")

    assert "Step fetch_order (CloudFunctionOperator) - failed" in told
    assert "<- 404" in told
    assert "WRONG: Run " in told


def test_it_fails_when_the_consumer_has_another_result(demo: Callable[..., str]) -> None:
    assert "WRONG: The process holds another charge than the shop stored" in demo()
