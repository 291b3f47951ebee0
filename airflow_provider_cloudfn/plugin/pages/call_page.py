"""The page about one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse  # noqa: TC002 - FastAPI reads the annotations

from airflow_provider_cloudfn.plugin.pages.access import (
    current_user,
    may_read_assets,
    readable_dags,
    reads_calls,
    sees_task_instances,
)
from airflow_provider_cloudfn.plugin.pages.charts import bars_of_buckets, waterfall
from airflow_provider_cloudfn.plugin.pages.past_call import past_call
from airflow_provider_cloudfn.plugin.pages.rendering import page
from airflow_provider_cloudfn.records.commands import curl

if TYPE_CHECKING:
    from airflow_provider_cloudfn.plugin.pages.catalogue import Catalogue

__all__ = ["router"]

router = APIRouter()


@router.get("/calls/{dag_id}/{run_id:path}/{task_id}/{map_index}", dependencies=[reads_calls, sees_task_instances])
def call(
    request: Request, dag_id: str, run_id: str, task_id: str, map_index: str, user: Any = current_user
) -> HTMLResponse:
    """Show what a task instance has sent, what came back, where the time went, and what followed from it."""
    index = _index(map_index)
    catalogue: Catalogue = request.app.state.catalogue
    function = catalogue.function(dag_id, task_id)
    events = () if function is None or not may_read_assets(user) else function.events
    seen = past_call(dag_id, run_id, task_id, index, events=events, readable=readable_dags(user))
    if seen is None:
        raise HTTPException(404, "There is no such task instance: its run may have been deleted.")
    many = None if seen.record is None else seen.record.many
    return page(
        request,
        "call.html",
        named={"dag_id": dag_id, "run_id": run_id, "task_id": task_id, "map_index": index},
        events=events,
        call=seen,
        record=seen.record,
        waterfall=waterfall(seen.record.attempts) if seen.record else [],
        histogram=bars_of_buckets(many.durations, width=560, height=96) if many else [],
        curl=curl(seen.record.exchange) if seen.record and seen.record.exchange else None,
    )


def _index(text: str) -> int:
    """Read a map index; where a task is not mapped, Airflow's tab leaves the place for it as it is."""
    if text == "{MAP_INDEX}":
        return -1
    if text.isascii() and text.removeprefix("-").isdigit() and len(text) < 10:
        return int(text)
    raise HTTPException(404, "The address ends in a map index, or in -1 where the task is not mapped.")
