"""The deliveries that are kept: listed, shown, and replayed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from airflow.utils.session import create_session
from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from airflow_provider_cloudfn.auth.redacted import Redacted
from airflow_provider_cloudfn.deliveries.destination import find_destinations
from airflow_provider_cloudfn.deliveries.emission import UnknownEventError, emit, tell
from airflow_provider_cloudfn.deliveries.outcome import DeliveryOutcome
from airflow_provider_cloudfn.deliveries.sealing import unseal
from airflow_provider_cloudfn.deliveries.storable import storable
from airflow_provider_cloudfn.deliveries.tables import Delivery
from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.webhooks.refused import REASONS, RefusedError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from sqlalchemy import Select

    from airflow_provider_cloudfn.events.record import CompletionRecord

__all__ = ["KeptDelivery", "Wanted", "find_deliveries", "find_delivery", "replay"]

#: The status of an event that is accepted.
_ACCEPTED: Final = 202


class Wanted(Struct, frozen=True, kw_only=True):
    """
    Which deliveries are asked for.

    :param source: Of this event source.
    :param event_type: Of this type.
    :param outcome: With this outcome.
    :param since: Not older than this; aware.
    :param before: With a smaller number: what comes after the last one that was seen.
    :param at_most: So many of them, the newest first.
    """

    source: str | None = None
    event_type: str | None = None
    outcome: DeliveryOutcome | None = None
    since: dt.datetime | None = None
    before: int | None = None
    at_most: int = 50


class KeptDelivery(Redacted, frozen=True, kw_only=True):
    """
    A delivery as it is kept; the columns of :class:`~airflow_provider_cloudfn.deliveries.tables.Delivery`.

    :param sealed: What the event carries, unreadable as it stands.
    """

    _hidden: ClassVar = frozenset({"sealed"})

    id: int
    source: str
    received_at: dt.datetime
    outcome: DeliveryOutcome
    reason: str | None
    status: int
    size: int
    repeats: int
    event_type: str | None
    event_id: str | None
    event_key: str | None
    asset_event_id: int | None
    sealed: str | None

    def record(self) -> CompletionRecord | None:
        """
        Return what the event carries; None for a request that was refused before anybody knew.

        :raises ConfigurationError: when Airflow's Fernet key is another one by now.
        """
        return None if self.sealed is None else unseal(self.sealed)


def find_deliveries(wanted: Wanted) -> list[KeptDelivery]:
    """
    Return deliveries, the newest first.

    :raises SQLAlchemyError: when the database is away, or has no table of them yet.
    """
    with create_session(scoped=False) as session:
        return [_kept(row) for row in session.scalars(_query(wanted))]


def _query(wanted: Wanted) -> Select[Any]:
    query = select(Delivery).order_by(Delivery.id.desc()).limit(wanted.at_most)
    if wanted.source is not None:
        query = query.where(Delivery.source == wanted.source)
    if wanted.event_type is not None:
        query = query.where(Delivery.event_type == wanted.event_type)
    if wanted.outcome is not None:
        query = query.where(Delivery.outcome == wanted.outcome.value)
    if wanted.since is not None:
        query = query.where(Delivery.received_at >= wanted.since)
    if wanted.before is not None:
        query = query.where(Delivery.id < wanted.before)
    return query


def find_delivery(number: int) -> KeptDelivery:
    """
    Return one delivery.

    :raises ConfigurationError: when there is none.
    :raises SQLAlchemyError: as of :func:`find_deliveries`.
    """
    with create_session(scoped=False) as session:
        return _kept(_row(session, number))


def replay(number: int) -> int:
    """
    Make an asset event of a delivery, once more or for the first time, and return the asset event's number.

    The event keeps its id, and so the runs that it starts keep their keys: what they do at services that know such keys is not
    done twice. Filters are not asked again.

    :raises ConfigurationError: when there is none, when nothing is kept of what it carries, when no Dag names the event, and for
        one that was refused or ignored, and is an asset event by another delivery.
    :raises SQLAlchemyError: as of :func:`find_deliveries`.
    """
    callbacks: list[Callable[[], None]] = []
    try:
        with create_session(scoped=False) as session:
            row = _row(session, number, locked=True)
            if row.record is None:
                raise ConfigurationError(
                    f"nothing is kept of what delivery {number} carries: it was refused before that was known, or its source "
                    "does not want it; only its sender can send it again"
                )
            record = storable(unseal(row.record))
            destination = find_destinations([record.type], session=session)[record.type]
            if row.event_key is None:
                row.event_key, row.outcome, row.status = record.id, DeliveryOutcome.ACCEPTED.value, _ACCEPTED
                taken = select(Delivery.id).where(Delivery.signed_key == row.claimed_key)
                # Of a batch, the first event has it.
                if row.claimed_key is not None and session.scalar(taken) is None:
                    row.signed_key = row.claimed_key
                session.flush()
            row.asset_event_id = emit(
                record, has_one_run=destination.has_one_run_per_event, session=session, callbacks=callbacks
            )
            made = row.asset_event_id
    except RefusedError as refused:
        raise ConfigurationError(f"delivery {number} can be no asset event. {REASONS[refused.reason]}") from None
    except IntegrityError:
        raise ConfigurationError(
            f"the event of delivery {number} came again, and was accepted then: replay that delivery (list them with "
            "--outcome accepted)"
        ) from None
    except UnknownEventError:
        raise ConfigurationError(
            f"Airflow has no asset for the event of delivery {number}: a Dag must name it first, as in "
            "schedule=CompletionEvent(…)"
        ) from None
    tell(callbacks)
    return made


def _row(session: Any, number: int, *, locked: bool = False) -> Delivery:
    query = select(Delivery).where(Delivery.id == number)
    found: Delivery | None = session.scalar(query.with_for_update() if locked else query)
    if found is None:
        raise ConfigurationError(f"there is no delivery {number}: it may be older than [cloudfn] deliveries_kept")
    return found


def _kept(row: Delivery) -> KeptDelivery:
    columns = {name: getattr(row, name) for name in KeptDelivery.__struct_fields__ if name != "sealed"}
    return KeptDelivery(**{**columns, "outcome": DeliveryOutcome(row.outcome), "sealed": row.record})
