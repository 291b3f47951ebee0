"""What is to become of events whose sender is known: Airflow's database says who waits for them, and what they must look like."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Final

from airflow.utils.session import create_session

from airflow_provider_cloudfn.deliveries.arrival import Arrival
from airflow_provider_cloudfn.deliveries.destination import Destination, add_destination, find_destinations
from airflow_provider_cloudfn.deliveries.incoming_record import incoming_record
from airflow_provider_cloudfn.deliveries.outcome import DeliveryOutcome
from airflow_provider_cloudfn.deliveries.storable import storable
from airflow_provider_cloudfn.events.payload_schema import require_payload
from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.webhooks.refused import RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_cloudfn.events.record import CompletionRecord
    from airflow_provider_cloudfn.webhooks.incoming import IncomingEvent
    from airflow_provider_cloudfn.webhooks.refused import Reason
    from airflow_provider_cloudfn.webhooks.source import EventSource

__all__ = ["accept"]

_log = logging.getLogger(__name__)

#: Why an event is ignored that the source itself does not want.
_LEFT_OUT: Final[dict[str, Reason]] = {"filtered": "filter", "ignored": "type_not_allowed"}


def accept(source: EventSource, events: Sequence[IncomingEvent]) -> list[Arrival]:
    """
    Return what is to become of events. Where one is refused, the request is.

    :raises SQLAlchemyError: when the database is away.
    """
    arriving = [(event, incoming_record(source.name, event)) for event in events]
    types = {record.type for event, record in arriving if event.outcome == "wanted"}
    with create_session(scoped=False) as session:
        destinations = find_destinations(types, session=session)
    return [
        _arrival(source, event, record, destinations[record.type])
        if event.outcome == "wanted"
        else Arrival(
            record=record, outcome=DeliveryOutcome.IGNORED, reason=_LEFT_OUT[event.outcome], status=200, is_kept=False
        )
        for event, record in arriving
    ]


def _arrival(source: EventSource, event: IncomingEvent, record: CompletionRecord, destination: Destination) -> Arrival:
    made = partial(Arrival, signed_key=event.signed_key, has_signed_id=event.has_signed_id)
    refused = partial(made, outcome=DeliveryOutcome.REFUSED)
    if not destination.is_known:
        if source.unknown == "ignore":
            return made(record=record, outcome=DeliveryOutcome.IGNORED, reason="unknown_type", status=200)
        if source.unknown == "reject":
            return refused(record=record, reason="unknown_type", status=422)
        try:
            add_destination(record.type)
        except ConfigurationError as error:
            _log.warning("An event of the source %s can't be registered: %s", source.name, error)
            return refused(record=record, reason="unusable_type", status=422)
    schema = destination.declaration.schema
    if schema is not None:
        try:
            require_payload(schema, record.result, event=record.type)
        except ConfigurationError as error:
            _log.warning("An event of the source %s, id %s, %s", source.name, record.id, error)
            return refused(record=record, reason="schema", status=422)
    try:
        return made(record=storable(record), has_one_run=destination.has_one_run_per_event)
    except RefusedError as error:
        return refused(record=record, reason=error.reason, status=error.status)
