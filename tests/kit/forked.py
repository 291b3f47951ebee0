"""Tries of a task in processes of their own, forked as Airflow forks tasks, which can be killed."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG
from asgiref.sync import SyncToAsync

from airflow_provider_cloudfn import CloudFunctionOperator
from kit.state_store import StateStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_FORK = multiprocessing.get_context("fork")


def kill(process: int) -> None:
    """End a process where it stands."""
    os.kill(process, signal.SIGKILL)


class FileStore(StateStore):
    """A task's state that outlives its process."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.file = file
        self.rows = json.loads(file.read_text()) if file.exists() else {}

    def set(self, key: str, value: Any, **options: Any) -> None:
        super().set(key, value, **options)
        self._write()

    def delete(self, key: str) -> None:
        super().delete(key)
        self._write()

    def _write(self) -> None:
        whole = self.file.with_suffix(".new")
        whole.write_text(json.dumps(self.rows))
        whole.replace(self.file)


def prepared_call(**parameters: Any) -> CloudFunctionOperator:
    """Return a step that calls the connection ``service``, as a worker has it."""
    with DAG("d", schedule=None):
        task = CloudFunctionOperator(task_id="call", cloudfn_conn_id="service", **{"do_xcom_push": False, **parameters})
    prepared: CloudFunctionOperator = task.prepare_for_execution()
    return prepared


def returned_by(work: Callable[[], Any]) -> Any:
    """Return what a function returns in a process of its own; None where that was killed."""

    def tell(said: Any) -> None:
        os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "ERROR"
        # Airflow's own calls off an event loop go through this one; of the parent's there is no thread here.
        SyncToAsync.single_thread_executor = ThreadPoolExecutor(max_workers=1)
        try:
            said.send((work(), None))
        except pytest.skip.Exception as skipped:
            said.send((None, skipped.msg))
        said.close()
        os._exit(0)

    hears, says = _FORK.Pipe(duplex=False)
    process = _FORK.Process(target=tell, args=(says,))
    process.start()
    says.close()
    with contextlib.suppress(EOFError):
        returned, why_skipped = hears.recv()
        process.join()
        assert process.exitcode == 0
        if why_skipped is not None:
            pytest.skip(why_skipped)
        return returned
    process.join()
    assert process.exitcode == -signal.SIGKILL
    return None
