"""The page about what came in from outside: the last deliveries, what became of each, and once more."""

from __future__ import annotations

from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BeforeValidator
from sqlalchemy.exc import SQLAlchemyError

from airflow_provider_cloudfn.deliveries.ledger import KeptDelivery, Wanted, find_deliveries, replay
from airflow_provider_cloudfn.deliveries.outcome import DeliveryOutcome
from airflow_provider_cloudfn.plugin.pages.access import (
    current_user,
    makes_asset_events,
    may_make_asset_events,
    reads_assets,
    sent_from_here,
)
from airflow_provider_cloudfn.plugin.pages.audit import log_action
from airflow_provider_cloudfn.plugin.pages.rendering import page

__all__ = ["router"]

router = APIRouter()

_PER_PAGE: Final = 50
#: The largest number that a database has for a row.
_LARGEST: Final = 2**63 - 1
#: A duplicate has no row of its own.
_OUTCOMES: Final = tuple(one.value for one in DeliveryOutcome if one is not DeliveryOutcome.DUPLICATE)
#: The form sends an empty one where none is chosen.
_Chosen = Annotated[DeliveryOutcome | None, BeforeValidator(lambda chosen: chosen or None)]


@router.get("/deliveries", dependencies=[reads_assets])
def deliveries(
    request: Request,
    source: str = Query("", max_length=250),
    event_type: str = Query("", max_length=250, alias="type"),
    outcome: _Chosen = None,
    before: int | None = Query(None, ge=1, le=_LARGEST),
    replayed: int | None = Query(None, ge=1, le=_LARGEST),
    user: Any = current_user,
) -> HTMLResponse:
    """Show the last deliveries."""
    wanted = Wanted(
        source=source or None, event_type=event_type or None, outcome=outcome, before=before, at_most=_PER_PAGE + 1
    )
    found: list[KeptDelivery] | None
    try:
        found = find_deliveries(wanted)
    except SQLAlchemyError:
        found = None
    return page(
        request,
        "deliveries.html",
        deliveries=None if found is None else found[:_PER_PAGE],
        has_more=found is not None and len(found) > _PER_PAGE,
        outcomes=_OUTCOMES,
        may_replay=may_make_asset_events(user),
        replayed=replayed,
        asked={
            "source": source,
            "type": event_type,
            "outcome": "" if outcome is None else outcome.value,
            "before": before,
        },
    )


@router.post("/deliveries/{number}/replay", dependencies=[sent_from_here, reads_assets, makes_asset_events])
def replay_delivery(
    request: Request, number: int = Path(ge=1, le=_LARGEST), user: Any = current_user
) -> RedirectResponse:
    """Make an asset event of a delivery, once more or for the first time."""
    log_action(user, "cloudfn_replay", delivery=number)
    replay(number)
    root = request.scope.get("root_path", "")
    return RedirectResponse(f"{root}/deliveries?{urlencode({'replayed': number})}", status_code=303)
