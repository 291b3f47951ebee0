"""
The one transaction in which a delivery becomes an asset event.

What is committed is the delivery's row and the asset event with all that Airflow queues for it, or neither. The row's unique
key is what keeps an event from being made twice: of two API servers that write it at once, one waits for the other, and sees
then that it is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from airflow.utils.session import create_session
from sqlalchemy import insert, select, update
from sqlalchemy.exc import DBAPIError

from airflow_provider_cloudfn.deliveries.emission import emit, tell
from airflow_provider_cloudfn.deliveries.outage import is_overtaken
from airflow_provider_cloudfn.deliveries.outcome import DeliveryOutcome
from airflow_provider_cloudfn.deliveries.sealing import seal
from airflow_provider_cloudfn.deliveries.tables import LONGEST_NAME, Delivery

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from airflow_provider_cloudfn.deliveries.arrival import Arrival, IncomingRequest

__all__ = ["note_refusal", "register"]

#: How often a transaction is begun, where others are faster.
_TRIES: Final = 3


def register(request: IncomingRequest, arrivals: Sequence[Arrival]) -> list[DeliveryOutcome]:
    """
    Write what came, make asset events of what is accepted, and return what became of each.

    :param arrivals: The events. Two of them may be the same.
    :raises SQLAlchemyError: when the database is away; then nothing was written, or, where the connection broke at the very
        end, all of it: sent again, it is a duplicate.
    :raises UnknownEventError: when an asset is not there any more; nothing was written.
    """
    for tries_left in reversed(range(_TRIES)):
        try:
            return _registered(request, arrivals)
        except DBAPIError as error:
            # Somebody was faster with the same bytes by a moment: what he has written is seen the next time.
            if not (tries_left and is_overtaken(error)):
                raise
    raise AssertionError  # The last one has returned, or raised.


def _registered(request: IncomingRequest, arrivals: Sequence[Arrival]) -> list[DeliveryOutcome]:
    outcomes = [arrival.outcome for arrival in arrivals]
    callbacks: list[Callable[[], None]] = []
    with create_session(scoped=False) as session:
        # In one order everywhere: transactions that wait for each other's rows would wait for ever.
        ids = {arrival.record.id for arrival in arrivals}
        for place in _ordered(arrivals, lambda arrival: arrival.record.id):
            outcomes[place] = _write(session, request, arrivals[place], ids)
        for place in _ordered(arrivals, lambda arrival: arrival.record.type):
            if outcomes[place] is DeliveryOutcome.ACCEPTED:
                arrival = arrivals[place]
                made = emit(arrival.record, has_one_run=arrival.has_one_run, session=session, callbacks=callbacks)
                key = Delivery.event_key == arrival.record.id
                session.execute(update(Delivery).where(key).values(asset_event_id=made))
    tell(callbacks)
    return outcomes


def note_refusal(request: IncomingRequest, reason: str, status: int, arrivals: Sequence[Arrival] = ()) -> None:
    """
    Write down that a request was refused.

    :param reason: Why, in the receiver's own words: nothing of the request.
    :param arrivals: The events, where it has come so far that they are known: they can be replayed when what they were refused
        for is mended.
    """
    with create_session(scoped=False) as session:
        for arrival in arrivals or (None,):
            session.execute(insert(Delivery).values(_row(request, arrival, DeliveryOutcome.REFUSED, reason, status)))


def _ordered(arrivals: Sequence[Arrival], key: Callable[[Arrival], str]) -> list[int]:
    return sorted(range(len(arrivals)), key=lambda place: key(arrivals[place]))


def _write(session: Any, request: IncomingRequest, arrival: Arrival, ids: Collection[str]) -> DeliveryOutcome:
    """Write the row of an event; where it has one already, that one counts it. All ids are those of the request's events."""
    row = _row(request, arrival, arrival.outcome, arrival.reason, arrival.status)
    if arrival.outcome is not DeliveryOutcome.ACCEPTED:
        session.execute(insert(Delivery).values(row))
        return arrival.outcome
    row["event_key"] = arrival.record.id
    if arrival.signed_key is not None:
        signed = Delivery.signed_key == arrival.signed_key
        known = session.scalar(select(Delivery.event_key).where(signed))
        if known is not None and known not in ids:  # The same bytes, read as something else.
            session.execute(update(Delivery).where(signed).values(repeats=Delivery.repeats + 1))
            return DeliveryOutcome.DUPLICATE
        if known is None:
            row["signed_key"] = arrival.claimed_key
    # MySQL counts whatever row is in the way: there is none of this event where somebody was faster with the same bytes.
    return DeliveryOutcome.ACCEPTED if _inserted_or_counted(session, row) == 0 else DeliveryOutcome.DUPLICATE


def _inserted_or_counted(session: Any, row: dict[str, Any]) -> int | None:
    """Insert a row, or count at the one that has its key already, and return what that counts; None where there is none."""
    again = {"repeats": Delivery.repeats + 1}
    dialect = session.get_bind().dialect.name
    statement: Any
    if dialect == "mysql":
        from sqlalchemy.dialects import mysql

        statement = mysql.insert(Delivery).values(row).on_duplicate_key_update(again)
    else:
        from sqlalchemy.dialects import postgresql, sqlite

        statement = (postgresql if dialect == "postgresql" else sqlite).insert(Delivery).values(row)
        statement = statement.on_conflict_do_update(index_elements=[Delivery.event_key], set_=again)
    counted: int | None
    if dialect == "postgresql":
        counted = session.scalar(statement.returning(Delivery.repeats))
    else:  # MySQL and some SQLites can't tell at once.
        session.execute(statement)
        counted = session.scalar(select(Delivery.repeats).where(Delivery.event_key == row["event_key"]))
    return counted


def _row(
    request: IncomingRequest, arrival: Arrival | None, outcome: DeliveryOutcome, reason: str | None, status: int
) -> dict[str, Any]:
    record = None if arrival is None else arrival.record
    return {
        "source": request.source[:LONGEST_NAME],
        "event_id": None if record is None else _column(record.sender_id),
        "event_type": None if record is None else _column(record.type),
        "outcome": outcome.value,
        "reason": reason,
        "status": status,
        "received_at": request.received_at,
        "size": request.size,
        "repeats": 0,
        "record": seal(arrival.record) if arrival is not None and arrival.is_kept else None,
        "claimed_key": None if arrival is None else arrival.claimed_key,
    }


def _column(name: str | None) -> str | None:
    """Return a sender's name of something as a column can hold it: PostgreSQL refuses NUL, and no database takes a surrogate."""
    if name is None:
        return None
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in name)[
        :LONGEST_NAME
    ]
