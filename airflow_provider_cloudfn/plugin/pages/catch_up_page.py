"""The page on which a Dag catches up with the events that have started none of its runs."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse  # noqa: TC002 - FastAPI reads the annotations

from airflow_provider_cloudfn.events.catch_up import catch_up, told
from airflow_provider_cloudfn.plugin.pages.access import acts_on_dag, current_user, reads_assets, sent_from_here
from airflow_provider_cloudfn.plugin.pages.audit import log_action
from airflow_provider_cloudfn.plugin.pages.rendering import page

if TYPE_CHECKING:
    from airflow_provider_cloudfn.events.catch_up import CaughtUp

__all__ = ["router"]

router = APIRouter()

#: How many days can be looked back to: a command has no such bound, nor the time of an API server to keep to.
_DAYS: Final = (1, 7, 30, 90)
_PATH: Final = "/completion-events/{dag_id}/catch-up"


@router.get(_PATH, dependencies=[reads_assets, *acts_on_dag])
def missed(request: Request, dag_id: str, days: int = Query(7, ge=1, le=max(_DAYS))) -> HTMLResponse:
    """Show how many events have started no run of a Dag."""
    return _shown(request, dag_id, days, _found(dag_id, days, dry_run=True), dry_run=True)


@router.post(_PATH, dependencies=[sent_from_here, reads_assets, *acts_on_dag])
def caught_up(
    request: Request, dag_id: str, days: int = Query(7, ge=1, le=max(_DAYS)), user: Any = current_user
) -> HTMLResponse:
    """Let the scheduler make their runs."""
    log_action(user, "cloudfn_catch_up", dag_id=dag_id, days=days)
    return _shown(request, dag_id, days, _found(dag_id, days, dry_run=False), dry_run=False)


def _found(dag_id: str, days: int, *, dry_run: bool) -> CaughtUp:
    return catch_up(dag_id, since=dt.datetime.now(tz=dt.UTC) - dt.timedelta(days=days), dry_run=dry_run)


def _shown(request: Request, dag_id: str, days: int, found: CaughtUp, *, dry_run: bool) -> HTMLResponse:
    return page(
        request,
        "catch_up.html",
        dag_id=dag_id,
        days=days,
        choices=_DAYS,
        found=found,
        sentences=list(told(dag_id, found, dry_run=dry_run)),
        dry_run=dry_run,
    )
