"""The names of what has run, which a command is told."""

from __future__ import annotations

from typing import Final

from airflow_provider_cloudfn.exceptions import ConfigurationError, nearest_name

__all__ = ["require_names"]

#: Among how many the nearest name is looked for.
_LOOKED_AT: Final = 50_000


def require_names(dag_id: str, run_id: str | None, task_id: str | None) -> None:
    """
    Refuse what names nothing that has run: it is surely misspelt.

    :param dag_id: The Dag.
    :param run_id: A run of it; None where none is named.
    :param task_id: A task of it; None where none is named.
    :raises ConfigurationError: which names the nearest.
    """
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session(scoped=False) as session:
        for what, name, given, known in (
            ("run of a Dag", dag_id, {}, select(DagRun.dag_id)),
            ("run", run_id, {"dag_id": dag_id}, select(DagRun.run_id)),
            ("task", task_id, {"dag_id": dag_id}, select(TaskInstance.task_id)),
        ):
            column = known.selected_columns[0]
            found = known.filter_by(**given)
            if name is None or session.scalar(found.where(column == name).limit(1)) is not None:
                continue
            near = nearest_name(name, session.scalars(found.distinct().limit(_LOOKED_AT)))
            of_dag = f" of Dag {dag_id!r}" if given else ""
            remedy = f"; did you mean {near!r}?" if near else ""
            raise ConfigurationError(f"there is no {what} {name!r}{of_dag}{remedy}")
