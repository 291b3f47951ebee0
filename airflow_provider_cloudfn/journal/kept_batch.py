"""What a batch has left in Airflow's task state, as whoever has Airflow's database reads it: while it runs, and after."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.journal.entries import BATCH, BatchEntry
from airflow_provider_cloudfn.journal.map_index import map_index_column
from airflow_provider_cloudfn.journal.rows import first_row, read_entry
from airflow_provider_cloudfn.journal.task_journal import PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["batch_of", "rows_of_batch"]


def rows_of_batch(
    dag_id: str, task_id: str, run_id: str, map_index: int = -1, *, forget: bool = False
) -> dict[str, Any]:
    """
    Return the rows of a task instance's batch by their keys; none where there is no batch.

    :param dag_id: The Dag.
    :param task_id: The task.
    :param run_id: The run.
    :param map_index: Which instance of a mapped task.
    :param forget: Whether they are taken out.
    :raises ConfigurationError: when this Airflow keeps no task state, or its database can't be read.
    """
    try:
        from airflow.models.task_state_store import TaskStateStoreModel
    except ImportError:
        raise ConfigurationError(
            "this Airflow keeps no task state, which 3.3 and later do: a batch has no memory"
        ) from None
    from airflow.utils.session import create_session
    from sqlalchemy import select
    from sqlalchemy.exc import SQLAlchemyError

    own = {"dag_id": dag_id, "run_id": run_id, "task_id": task_id, map_index_column(TaskStateStoreModel): map_index}
    wanted = select(TaskStateStoreModel).filter_by(**own)
    try:
        with create_session(scoped=False) as session:
            found = [
                row
                for row in session.scalars(wanted)
                # Nothing else that is written down there, such as what else was sent.
                if row.key == f"{PREFIX}{BATCH}" or row.key.startswith(f"{PREFIX}{BATCH}.")
            ]
            values = {row.key: json.loads(row.value) for row in found}
            if forget:
                for row in found:
                    session.delete(row)
    except SQLAlchemyError as error:
        raise ConfigurationError(
            f"Airflow's database can't be read ({type(error).__name__}): run this where Airflow is configured"
        ) from None
    return values


def batch_of(rows: Mapping[str, Any]) -> BatchEntry | None:
    """
    Return how far a batch got; None where there is none.

    :param rows: As :func:`rows_of_batch` returns them.
    :raises ConfigurationError: when they can't be read.
    """
    key = PREFIX + BATCH
    if key not in rows:
        return None
    return read_entry(first_row(rows[key], key), rows.__getitem__, BatchEntry, key)
