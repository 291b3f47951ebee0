"""Runs ``airflow cloudfn …`` in this process, as Airflow's command line does."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_cloudfn.events.asset import partitions_available

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = Path(__file__).parents[3] / "example_dags"

SAMPLE = """
steps:
  fetch_order: {id: "1001", total: 42, customer: {id: c-1}}
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def cloudfn(airflow_database: None, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Return a function that runs a command and tells how it ended."""

    def run(*arguments: str) -> Ended:
        from airflow.cli.cli_parser import get_parser

        capsys.readouterr()
        code = 0
        try:
            options = get_parser().parse_args(["cloudfn", *arguments])
            options.func(options)
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        return Ended(code, *capsys.readouterr())

    return run


@pytest.fixture
def sample(tmp_path: Path) -> str:
    """Return a file with what the step `charge` of the example reads."""
    file = tmp_path / "sample.yaml"
    file.write_text(SAMPLE)
    return str(file)


@pytest.fixture
def order_to_cash(tmp_path: Path) -> str:
    """Return the file of the example; where Airflow has no partitioned assets (3.2), of the example without them."""
    file = EXAMPLES / "order_to_cash.py"
    if partitions_available():
        return str(file)
    without = tmp_path / file.name
    text = file.read_text()
    without.write_text(
        text.replace(", one_run_per_event=True", "").replace("charge_created.each()", "[charge_created]")
    )
    return str(without)


@pytest.fixture
def charge(order_to_cash: str, sample: str) -> tuple[str, ...]:
    """Return the arguments that name the step `charge` of the example, and what it reads."""
    return ("charge_orders", "charge", "--file", order_to_cash, "--sample", sample)
