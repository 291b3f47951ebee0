"""All that is wrong with a parsed Dag: its tasks, one after the other, and what it is scheduled on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_cloudfn.authoring.task import AuthoredTask

__all__ = ["dag_problems"]


def dag_problems(dag: Any, ours: list[AuthoredTask]) -> list[str]:
    """Return what is wrong with a Dag, a sentence for each problem. The arrows that its expressions ask for are added before."""
    problems: list[str] = []
    if ours:
        from airflow_provider_cloudfn.authoring.arrows import add_arrows
        from airflow_provider_cloudfn.authoring.one_file import shared_file_problems
        from airflow_provider_cloudfn.authoring.rules import Problem, event_problems, task_problems
        from airflow_provider_cloudfn.authoring.task import producers_of

        ancestry, producers = add_arrows(dag), producers_of(ours)
        for task in ours:
            task.ancestry, task.producers = ancestry, producers
        found = [
            problem
            for task in ours
            for problem in (*(task_problems(task) if task.is_ours else ()), *event_problems(task))
        ]
        found += [Problem(*one) for one in shared_file_problems(ours, ancestry)]
        problems = [f"{problem.task_id}: {problem}" for problem in found]
    if getattr(getattr(dag, "timetable", None), "asset_condition", None) is not None:
        problems.extend(_never_firing(dag))
        if ours:
            from airflow_provider_cloudfn.authoring.endless import endless_problems

            problems.extend(endless_problems(dag, ours))
    return problems


def _never_firing(dag: Any) -> list[str]:
    """Name the events with a run for each that the Dag is scheduled on in a way that never fires."""
    from airflow_provider_cloudfn.events.asset import has_one_run_per_event
    from airflow_provider_cloudfn.events.run_events import scheduled_assets

    if getattr(dag.timetable, "default_partition_mapper", None):
        return []
    scheduled = scheduled_assets(dag)
    # What each() returns combines with nothing.
    combined = (
        ", or PartitionedAssetTimetable(assets=…) over events that are all declared so" if len(scheduled) > 1 else ""
    )
    return [
        f"schedule: {asset.name!r} is declared with one_run_per_event=True, and an ordinary schedule never fires for such an "
        f"event: write schedule=<the event>.each(){combined}"
        for asset in scheduled
        if has_one_run_per_event(asset)
    ]
