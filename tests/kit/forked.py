"""Tries of a task in processes of their own, forked as Airflow forks tasks, which can be killed."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG
from asgiref.sync import SyncToAsync

from airflow_provider_cloudfn import CloudFunctionOperator
from kit.state_store import StateStore

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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


class ForkedPopen(subprocess.Popen[bytes]):
    """
    A process that does in a fork of this one, which has imported Airflow, what its command would start a Python for.

    Its folder, its pipes, its session and its end are those that :class:`subprocess.Popen` gives it.

    :param command: The command; not run.
    :param work: What the process does, with the command as its ``sys.argv``.
    """

    def __init__(self, command: Sequence[str], work: Callable[[], object], **options: Any) -> None:
        known = _open_files()

        def instead() -> None:
            # The pipe among them tells that the command is about to run.
            for number in _open_files() - known:
                with contextlib.suppress(OSError):
                    os.close(number)
            os._exit(_exit_code(command, work))

        super().__init__(command, preexec_fn=instead, **options)


def _open_files() -> set[int]:
    return {int(file.name) for file in Path("/proc/self/fd").iterdir()}


def _exit_code(command: Sequence[str], work: Callable[[], object]) -> int:
    from airflow import settings

    # Neither a connection to the database nor a thread is shared with the parent.
    if settings.engine is not None:
        settings.engine.dispose(close=False)
    SyncToAsync.single_thread_executor = ThreadPoolExecutor(max_workers=1)
    sys.argv[:] = command
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115 - they are numbers
    try:
        work()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
    return 0
