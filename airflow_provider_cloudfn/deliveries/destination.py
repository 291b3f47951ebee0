"""What Airflow's database knows of an event: whether anybody has declared it, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from airflow_provider_cloudfn.events.address import event_uri
from airflow_provider_cloudfn.events.declaration import Declaration

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Destination", "add_destination", "find_destinations"]


class Destination(Struct, frozen=True):
    """
    Where an event goes.

    :param is_known: Whether a Dag names it: as its schedule, an outlet or an inlet.
    :param has_one_run_per_event: Whether each event is emitted with a partition key.
    :param declaration: How it was declared.
    """

    is_known: bool = False
    has_one_run_per_event: bool = False
    declaration: Declaration = Declaration()


def find_destinations(names: Iterable[str], *, session: Any) -> dict[str, Destination]:
    """
    Return where events go, by their names.

    That an event has one run for each is what its declaration says, or the schedule of a Dag that waits for it: where two
    files declare it and one leaves the flag out, Airflow keeps the declaration that it has read last.
    """
    from airflow.models.asset import AssetModel, DagScheduleAssetReference
    from airflow.models.dag import DagModel
    from sqlalchemy import select
    from sqlalchemy.orm import joinedload

    by_uri = {event_uri(name): name for name in names}
    found = {name: Destination() for name in by_uri.values()}
    assets = select(AssetModel).where(AssetModel.uri.in_(by_uri)).options(joinedload(AssetModel.active))
    for asset in session.scalars(assets):
        name = by_uri[asset.uri]
        if asset.name != name:
            continue
        declaration = Declaration.read_from(asset.extra)
        partitioned = (
            select(DagModel.dag_id)
            .join(DagScheduleAssetReference, DagScheduleAssetReference.dag_id == DagModel.dag_id)
            .where(DagScheduleAssetReference.asset_id == asset.id, DagModel.timetable_partitioned.is_(True))
            # One that is no longer in its file may still be written down as waiting.
            .where(DagModel.is_stale.is_(False))
        )
        found[name] = Destination(
            is_known=asset.active is not None,
            has_one_run_per_event=declaration.one_run_per_event or session.scalar(partitioned.limit(1)) is not None,
            declaration=declaration,
        )
    return found


def add_destination(name: str) -> None:
    """
    Register an event that no Dag names yet. It is a transaction of its own, and nothing where somebody was faster.

    :raises ConfigurationError: for a name that no event can have.
    """
    from airflow.assets.manager import asset_manager
    from airflow.models.asset import AssetModel
    from airflow.serialization.definitions.assets import SerializedAsset
    from airflow.utils.session import create_session
    from sqlalchemy import select
    from sqlalchemy.exc import IntegrityError

    from airflow_provider_cloudfn.events.asset import CompletionEvent
    from airflow_provider_cloudfn.exceptions import ConfigurationError

    try:
        event = CompletionEvent(name)
    except ValueError as error:
        # Airflow's own bounds of a name and a URI.
        raise ConfigurationError(str(error)) from None
    asset = SerializedAsset(event.name, event.uri, event.group, {}, [])
    try:
        with create_session(scoped=False) as session:
            wanted = select(AssetModel.id).where(AssetModel.name == event.name, AssetModel.uri == event.uri)
            if session.scalar(wanted) is None:
                asset_manager.create_assets([asset], session=session)
    except IntegrityError:
        return
