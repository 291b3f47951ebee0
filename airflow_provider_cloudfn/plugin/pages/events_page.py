"""The page about completion events: who emits each, which Dags it starts, and what it started."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import msgspec
from airflow.models.asset import AssetEvent, AssetModel
from airflow.utils.session import create_session
from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse  # noqa: TC002 - FastAPI reads the annotations
from sqlalchemy import func, or_, select

from airflow_provider_cloudfn.events.address import event_uri
from airflow_provider_cloudfn.plugin.pages.access import (
    current_user,
    may_act_on,
    readable_dags,
    reads_assets,
    with_readable_calls,
)
from airflow_provider_cloudfn.plugin.pages.event_picture import EventPicture, picture_of
from airflow_provider_cloudfn.plugin.pages.past_call import Emitted, emitted_of
from airflow_provider_cloudfn.plugin.pages.rendering import first_of, page

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

__all__ = ["router"]

router = APIRouter()

_PER_PAGE: Final = 10
#: How many emissions are shown of each event in the list, and of one alone.
_FEW: Final = 3
_MANY: Final = 25
#: Of how many Dags that it starts it is asked whether they may be let catch up.
_ACTS_ON: Final = 20
#: After so long an event that has started no run is said to have started none: until then its run may be under way.
_PATIENCE: Final = dt.timedelta(minutes=1)


class _Declared(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    name: str
    producers: list[tuple[str, str]]
    consumers: list[str]


class _Event(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    picture: EventPicture
    emitted: tuple[Emitted, ...]
    consumers: tuple[str, ...]
    starts_dags: bool


@router.get("/completion-events", dependencies=[reads_assets])
def events(
    request: Request,
    event: str = Query("", max_length=1500),
    q: str = Query("", max_length=200),
    number: int = Query(1, ge=1, le=100_000, alias="page"),
    user: Any = current_user,
) -> HTMLResponse:
    """Show the completion events that there are, or one of them."""
    readable = readable_dags(user)
    wanted = select(AssetModel).where(AssetModel.uri.like(f"{event_uri('')}%"))
    if event:
        wanted = wanted.where(AssetModel.name == event)
    elif q:
        wanted = wanted.where(AssetModel.name.icontains(q, autoescape=True))
    with create_session(scoped=False) as session:
        total = session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
        first = first_of(number, total, _PER_PAGE)
        ordered = wanted.order_by(AssetModel.name).limit(_PER_PAGE).offset(first)
        declared = [_declared(asset) for asset in session.scalars(ordered)]
    # What an event carries is what a task of its Dag has left, and is read with the same right. Airflow asks its database for
    # that: nothing is held open here meanwhile.
    sources = with_readable_calls(
        user, readable.intersection(dag_id for one in declared for dag_id, _ in one.producers)
    )
    with create_session(scoped=False) as session:
        shown = [_event(session, one, readable, sources, _MANY if event else _FEW) for one in declared]
    return page(
        request,
        "events.html",
        events=shown,
        acts_on=[dag_id for one in shown for dag_id in one.consumers[:_ACTS_ON] if may_act_on(user, dag_id)]
        if event
        else [],
        total=total,
        per_page=_PER_PAGE,
        patience=dt.datetime.now(tz=dt.UTC) - _PATIENCE,
        asked={"event": event, "q": q, "page": first // _PER_PAGE + 1},
    )


def _declared(asset: AssetModel) -> _Declared:
    return _Declared(
        id=asset.id,
        name=asset.name,
        producers=sorted((one.dag_id, one.task_id) for one in asset.producing_tasks),
        consumers=sorted({one.dag_id for one in asset.scheduled_dags}),
    )


def _event(session: Session, declared: _Declared, readable: set[str], sources: set[str], count: int) -> _Event:
    producers = [one for one in declared.producers if one[0] in readable]
    consumers = [dag_id for dag_id in declared.consumers if dag_id in readable]
    of_readable = {dag_id for dag_id, _ in producers} & sources
    wanted = (
        select(AssetEvent)
        .where(AssetEvent.asset_id == declared.id)
        .where(or_(AssetEvent.source_dag_id.in_(of_readable), AssetEvent.source_dag_id.is_(None)))
        .order_by(AssetEvent.timestamp.desc())
        .limit(count)
    )
    return _Event(
        name=declared.name,
        picture=picture_of(
            declared.name,
            producers,
            consumers,
            hidden_producers=len(declared.producers) - len(producers),
            hidden_consumers=len(declared.consumers) - len(consumers),
        ),
        emitted=tuple(emitted_of(one, readable) for one in session.scalars(wanted)),
        consumers=tuple(consumers),
        starts_dags=bool(declared.consumers),
    )
