"""Runs ``airflow cloudfn …`` in this process, as Airflow's command line does."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest
from kit.command_line import Ended, ended

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SAMPLE = """
steps:
  fetch_order: {id: "1001", total: 42, customer: {id: c-1}}
"""


@pytest.fixture(autouse=True)
def _database_without_connections_and_runs(airflow_database: None) -> None:
    """Remove what tests before this one have left: commands say what is there."""
    from airflow.models import Connection, DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import delete

    with create_session() as session:
        session.execute(delete(DagRun))
        session.execute(delete(Connection))


@pytest.fixture
def cloudfn(airflow_database: None, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Return a function that runs a command and tells how it ended."""
    return partial(ended, capsys)


@pytest.fixture
def sample(tmp_path: Path) -> str:
    """Return a file with what the step `charge` of the example reads."""
    file = tmp_path / "sample.yaml"
    file.write_text(SAMPLE)
    return str(file)


@pytest.fixture
def order_to_cash(example_dags: Path) -> str:
    return str(example_dags / "order_to_cash.py")


@pytest.fixture
def charge(order_to_cash: str, sample: str) -> tuple[str, ...]:
    """Return the arguments that name the step `charge` of the example, and what it reads."""
    return ("charge_orders", "charge", "--file", order_to_cash, "--sample", sample)
