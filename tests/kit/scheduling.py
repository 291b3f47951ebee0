"""Lets Airflow's own scheduler make the runs that events start, without a scheduler that runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datetime as dt


@dataclass(frozen=True)
class StartedRun:
    """A run that events have started, and what it was given."""

    run_type: str
    state: str
    partition_key: str | None
    partition_date: dt.datetime | None
    payloads: tuple[Any, ...]


def scheduled(dag_id: str) -> list[StartedRun]:
    """Let the scheduler look once for runs to make, and return all runs of a Dag, oldest first."""
    from airflow.jobs.job import Job
    from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from airflow.utils.sqlalchemy import prohibit_commit
    from sqlalchemy import select

    with create_session() as session:
        job = Job()  # type: ignore[no-untyped-call]  # Airflow's
        session.add(job)
        session.flush()
        with prohibit_commit(session) as guard:  # type: ignore[no-untyped-call]  # Airflow's
            SchedulerJobRunner(job=job)._create_dagruns_for_dags(guard, session)
    with create_session() as session:
        runs = session.scalars(select(DagRun).where(DagRun.dag_id == dag_id).order_by(DagRun.id)).all()
        return [
            StartedRun(
                str(run.run_type),
                str(run.state),
                getattr(run, "partition_key", None),
                getattr(run, "partition_date", None),
                tuple(event.extra for event in sorted(run.consumed_asset_events, key=lambda event: event.id)),
            )
            for run in runs
        ]


def happen(name: str, payload: dict[str, Any], key: str | None = None) -> None:
    """Let an event happen, as Airflow's API does."""
    from airflow.assets.manager import asset_manager
    from airflow.models.asset import AssetModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        asset = session.scalar(select(AssetModel).where(AssetModel.name == name))
        assert asset is not None
        asset_manager.register_asset_change(asset=asset, extra=payload, partition_key=key, session=session)


def pause(dag_id: str, *, paused: bool) -> None:
    """Pause a Dag, or end that."""
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session

    with create_session() as session:
        dag = session.get(DagModel, dag_id)
        assert dag is not None
        dag.is_paused = paused


def forget_events() -> None:
    """Let there be no event of the past, nor a run."""
    from airflow.models.asset import AssetDagRunQueue, AssetEvent, AssetPartitionDagRun, PartitionedAssetKeyLog
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import delete

    with create_session() as session:
        for model in (DagRun, AssetEvent, AssetDagRunQueue, AssetPartitionDagRun, PartitionedAssetKeyLog):
            session.execute(delete(model))
