"""Airflow's task state as its SDK has it, over a map in memory."""

from __future__ import annotations

import datetime as dt
import json
from types import SimpleNamespace
from typing import Any

import airflow.sdk
import pytest

#: From here on Airflow warns of a value.
LARGEST = 65_535


def is_there() -> bool:
    """Tell whether this Airflow keeps a task's state (3.3)."""
    return hasattr(airflow.sdk, "NEVER_EXPIRE")


class StateStore:
    """Keeps JSON, as the API server does; counts what it is asked, and can be told to fail at the next call of a kind."""

    def __init__(self) -> None:
        if not is_there():
            pytest.skip("this Airflow keeps no task state")
        self.rows: dict[str, str] = {}
        self.asked: list[str] = []
        self.retentions: set[dt.timedelta | None] = set()
        self.failing: dict[str, list[BaseException]] = {}

    def get(self, key: str, default: Any = None) -> Any:
        self._ask("get")
        return json.loads(self.rows[key]) if key in self.rows else default

    def set(self, key: str, value: Any, *, retention: dt.timedelta | None = None) -> None:
        self._ask("set")
        assert value is not None
        self.rows[key] = json.dumps(value)
        self.retentions.add(retention)

    def delete(self, key: str) -> None:
        self._ask("delete")
        self.rows.pop(key, None)

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if waiting := self.failing.get(what):
            raise waiting.pop(0)

    def context(
        self, generation: int = 2, *, try_number: int = 1, retries: int = 2, clears: int = 0, **more: Any
    ) -> Any:
        """
        Return a task's context with this state in it.

        :param generation: What Airflow calls ``max_tries``.
        :param retries: How many the Dag says by now.
        :param clears: How often something of the run was cleared.
        """
        instance = SimpleNamespace(
            dag_id="d",
            run_id="r",
            task_id="call",
            map_index=-1,
            try_number=try_number,
            max_tries=generation,
            task=SimpleNamespace(retries=retries),
        )
        now = dt.datetime.now(tz=dt.UTC)
        dates = {"run_after": now, "logical_date": now, "data_interval_start": None, "data_interval_end": None}
        run = SimpleNamespace(conf={}, run_id="r", clear_number=clears, **dates)
        given = {"ti": instance, "task_instance": instance, "dag_run": run, "run_id": "r", "params": {}}
        return {**given, "task_state_store": self, **more}
