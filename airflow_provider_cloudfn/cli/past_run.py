"""Samples from a past run: what it left in Airflow's database. It is read, never written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.authoring.lazy_values import LazyMapping
from airflow_provider_cloudfn.authoring.task import AuthoredTask
from airflow_provider_cloudfn.cli.stored_xcom import xcom_value
from airflow_provider_cloudfn.events.record import RECORD_KEY
from airflow_provider_cloudfn.events.run_events import triggering_records
from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.testing.samples import Samples

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

__all__ = ["past_run_samples"]


def past_run_samples(task: Any, run_id: str, map_index: int | None) -> Samples:
    """
    Return what a task of a past run could read.

    :param task: The task, as the Dag file makes it.
    :param map_index: Which instance of a mapped task; default the first.
    :raises ConfigurationError: when there is no such run or instance, or no database.
    """
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with create_session(scoped=False) as session:
            run = session.scalar(select(DagRun).where(DagRun.dag_id == task.dag_id, DagRun.run_id == run_id))
            if run is None:
                raise ConfigurationError(_no_run(session, task.dag_id, run_id))
            index = max(0, map_index or 0) if task.is_mapped else -1
            wanted = select(TaskInstance).filter_by(dag_id=task.dag_id, run_id=run_id, task_id=task.task_id)
            instances = {instance.map_index: instance for instance in session.scalars(wanted)}
            if task.is_mapped and map_index not in (None, -1) and index not in instances:
                raise ConfigurationError(_no_instance(task.task_id, run_id, index, sorted(instances)))
            instance = instances.get(index)
            group_index = instance.map_index if instance is not None else max(0, map_index or 0)
            return Samples(
                steps=_xcoms(task, run_id, "return_value", group_index),
                records=_xcoms(task, run_id, RECORD_KEY, group_index),
                conf=dict(run.conf or {}),
                events=triggering_records({"dag_run": run, "dag": task.dag}),
                run={
                    "id": run_id,
                    "try_number": max(1, instance.try_number) if instance is not None else 1,
                    "run_after": run.run_after,
                    "logical_date": run.logical_date,
                    "data_interval_start": run.data_interval_start,
                    "data_interval_end": run.data_interval_end,
                },
            )
    except SQLAlchemyError as error:
        raise ConfigurationError(
            f"--run-id: Airflow's database can't be read ({type(error).__name__}): run this where Airflow is configured, or give "
            "the values with --sample"
        ) from None


def _xcoms(task: Any, run_id: str, key: str, map_index: int) -> LazyMapping:
    """Return what the upstream steps left in XCom under a key, each fetched when it is asked for."""
    steps = {step.task_id: step for step in task.get_flat_relatives(upstream=True)}
    groups = set(AuthoredTask(task).mapped_groups)

    def read(task_id: str) -> Any:
        from airflow.models.taskinstance import TaskInstance
        from airflow.models.xcom import XComModel
        from airflow.utils.session import create_session
        from sqlalchemy import and_, select

        step = steps[task_id]
        found = select(XComModel).filter_by(dag_id=task.dag_id, run_id=run_id, task_id=task_id, key=key)
        if key == RECORD_KEY:
            # As in a running task: what failed after it left its record has emitted nothing.
            names = ("dag_id", "run_id", "task_id", "map_index")
            same = (getattr(TaskInstance, name) == getattr(XComModel, name) for name in names)
            found = found.join(TaskInstance, and_(*same)).where(TaskInstance.state == "success")
        with create_session(scoped=False) as session:
            rows = {row.map_index: xcom_value(row) for row in session.scalars(found.order_by(XComModel.map_index))}
        group = step.get_closest_mapped_task_group()
        if not step.is_mapped and group is not None and group.group_id in groups:
            return rows.get(map_index)
        if step.is_mapped or group is not None:
            return list(rows.values())
        # No XCom is null: the step returned nothing, was skipped, or did not run.
        return rows.get(-1)

    return LazyMapping(lambda: list(steps), read)


def _no_run(session: Session, dag_id: str, run_id: str) -> str:
    from airflow.models.dagrun import DagRun
    from sqlalchemy import select

    latest = session.scalars(
        select(DagRun.run_id).where(DagRun.dag_id == dag_id).order_by(DagRun.run_after.desc()).limit(5)
    ).all()
    there = f"its latest are {', '.join(latest)}" if latest else "it has none yet: give the values with --sample"
    return f"--run-id: Dag {dag_id!r} has no run {run_id!r}; {there}"


def _no_instance(task_id: str, run_id: str, index: int, known: list[int]) -> str:
    there = f"there are 0 to {known[-1]}" if known and known[-1] >= 0 else "the task was not expanded in it"
    return f"--map-index: task {task_id!r} has no instance {index} in run {run_id!r}; {there}"
