"""The pages about functions: all of them in a list, and one with its latest calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec
from airflow.utils.session import create_session
from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse  # noqa: TC002 - FastAPI reads the annotations

from airflow_provider_cloudfn.plugin.pages.access import current_user, readable_dags, reads_calls, with_readable_calls
from airflow_provider_cloudfn.plugin.pages.catalogue import function_of_page
from airflow_provider_cloudfn.plugin.pages.charts import Bar, bars_over_time
from airflow_provider_cloudfn.plugin.pages.recent_calls import (
    LATEST_CALLS,
    LATEST_RUNS,
    Measured,
    calls_of,
    latest_runs,
    measured_by_function,
)
from airflow_provider_cloudfn.plugin.pages.rendering import first_of, page

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_cloudfn.plugin.pages.catalogue import Catalogue, CloudFunction

__all__ = ["router"]

router = APIRouter()

_PER_PAGE: Final = 25
#: How many functions can be sorted by what their calls come to: all of them have to be measured for it.
_MEASURED_AT_ONCE: Final = 50

Order = Literal["function", "connection", "event", "calls", "success", "median", "p95", "failure"]

_BY_NAME: Final[dict[str, Callable[[CloudFunction], Any]]] = {
    "function": lambda one: (one.dag_id, one.task_id),
    "connection": lambda one: (one.conn_id is None, one.conn_id or ""),
    "event": lambda one: (not one.events, one.events),
}
#: What needs a look stands first.
_BY_CALLS: Final[dict[str, Callable[[Measured], Any]]] = {
    "calls": lambda one: -one.count,
    "success": lambda one: 2.0 if one.success_rate is None else one.success_rate,
    "median": lambda one: -(one.median or 0.0),
    "p95": lambda one: -(one.p95 or 0.0),
    "failure": lambda one: -one.last_failure.started_at.timestamp() if one.last_failure else 0.0,
}


class _Row(msgspec.Struct, frozen=True):
    function: CloudFunction
    measured: Measured
    bars: list[Bar]
    is_readable: bool


@router.get("/")
def functions(
    request: Request,
    q: str = Query("", max_length=200),
    dag: str = Query("", max_length=250),
    failing: bool = False,
    sort: Order = "function",
    number: int = Query(1, ge=1, le=100_000, alias="page"),
    user: Any = current_user,
) -> HTMLResponse:
    """Show the functions of all Dags that the user may read."""
    catalogue: Catalogue = request.app.state.catalogue
    readable = catalogue.functions(readable_dags(user))
    found = [one for one in readable if (not dag or one.dag_id == dag) and (not q or one.matches(q))]
    is_narrow = len(found) <= _MEASURED_AT_ONCE
    if is_narrow and (failing or sort in _BY_CALLS):
        shown, total, first = _by_calls(user, found, sort, failing, number)
    else:
        found.sort(key=_BY_NAME.get(sort, _BY_NAME["function"]))
        total, first = len(found), first_of(number, len(found), _PER_PAGE)
        shown = _measured(user, found[first : first + _PER_PAGE])
    return page(
        request,
        "functions.html",
        rows=shown,
        total=total,
        first=first,
        per_page=_PER_PAGE,
        has_any=bool(readable),
        can_sort_by_calls=is_narrow,
        sortable=_MEASURED_AT_ONCE,
        asked={"q": q, "dag": dag, "failing": failing, "sort": sort, "page": first // _PER_PAGE + 1},
        latest_runs=LATEST_RUNS,
        latest_calls=LATEST_CALLS,
    )


@router.get("/functions/{dag_id}/{task_id}", dependencies=[reads_calls])
def function(request: Request, dag_id: str, task_id: str, failed: bool = False) -> HTMLResponse:
    """Show a function and its latest calls."""
    found = function_of_page(request, dag_id, task_id)
    with create_session(scoped=False) as session:
        measured = calls_of(session, latest_runs(session, dag_id), task_id)
    return page(
        request,
        "function.html",
        function=found,
        measured=measured,
        calls=[call for call in measured.calls if call.failed or not failed],
        failed=failed,
        bars=bars_over_time(measured.calls, width=1200, height=96, least=60),
        latest_runs=LATEST_RUNS,
        latest_calls=LATEST_CALLS,
    )


def _measured(user: Any, functions: Sequence[CloudFunction]) -> list[_Row]:
    readable = with_readable_calls(user, (one.dag_id for one in functions))
    with create_session(scoped=False) as session:
        measured = measured_by_function(
            session, ((one.dag_id, one.task_id) for one in functions if one.dag_id in readable)
        )
    rows = []
    for one in functions:
        calls = measured.get((one.dag_id, one.task_id), Measured())
        bars = bars_over_time(calls.calls, width=132, height=28)
        rows.append(_Row(one, calls, bars, one.dag_id in readable))
    return rows


def _by_calls(
    user: Any, functions: Sequence[CloudFunction], sort: str, failing: bool, number: int
) -> tuple[list[_Row], int, int]:
    rows = [row for row in _measured(user, functions) if row.measured.failures or not failing]
    if sort in _BY_CALLS:
        rows.sort(key=lambda row: _BY_CALLS[sort](row.measured))
    else:
        rows.sort(key=lambda row: _BY_NAME[sort](row.function))
    first = first_of(number, len(rows), _PER_PAGE)
    return rows[first : first + _PER_PAGE], len(rows), first
