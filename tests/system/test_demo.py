"""``airflow cloudfn demo --once`` and ``make demo ONCE=1``, without make: a real Airflow, the example Dags, the sandbox."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

EXAMPLES = Path(__file__).parents[2] / "example_dags"
pytestmark = [pytest.mark.system, pytest.mark.one_run_per_event]


def _demo(home: Path, dags: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "airflow_provider_cloudfn.cli.demo",
        "--home",
        str(home),
        "--dags",
        str(dags),
        "--once",
    ]
    return _ended([*command, *more])


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
    home = tmp_path / "demo"
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
    assert _nothing_is_left(tmp_path)


def test_it_fails_when_the_consumer_has_another_result(tmp_path: Path) -> None:
    dags = tmp_path / "dags"
    dags.mkdir()
    example = (EXAMPLES / "order_to_cash.py").read_text()
    wrong = example.replace('"charge": response.body}', '"charge": {"id": "another"}}')
    assert wrong != example
    (dags / "order_to_cash.py").write_text(wrong)
    ended = _demo(tmp_path / "home", dags)
    assert ended.returncode == 1
    assert "WRONG: The process holds another charge than the shop stored" in ended.stdout
    assert _nothing_is_left(tmp_path / "home")


def test_it_fails_with_the_log_of_the_step_that_failed(tmp_path: Path) -> None:
    ended = _demo(tmp_path, EXAMPLES, "--order", "no-such-order")
    assert ended.returncode == 1
    assert "Step fetch_order (CloudFunctionOperator) - failed" in ended.stdout
    assert "<- 404" in ended.stdout
    assert "WRONG: Run " in ended.stdout
    assert _nothing_is_left(tmp_path)
