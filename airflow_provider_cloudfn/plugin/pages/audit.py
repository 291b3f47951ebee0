"""What somebody does on a page stands in Airflow's audit log, as what he does in Airflow's own UI does."""

from __future__ import annotations

import json
from typing import Any

from airflow.models.log import Log
from airflow.utils.session import create_session

__all__ = ["log_action"]


def log_action(user: Any, event: str, *, dag_id: str | None = None, task_id: str | None = None, **extra: Any) -> None:
    """
    Write an entry, before anything is done: what can't be logged is not done.

    :param user: Who does it.
    :param event: What he does.
    :param dag_id: With which Dag.
    :param task_id: With which of its tasks.
    :param extra: What there is to say besides; no secret.
    """
    name = user.get_name()
    with create_session(scoped=False) as session:
        # As Airflow's routes do: a task instance is what it would take the Dag from else.
        entry = Log(
            event=event,
            task_instance=None,
            owner=name,
            owner_display_name=name,
            extra=json.dumps(extra),
            dag_id=dag_id,
            task_id=task_id,
        )
        session.add(entry)
