"""``airflow cloudfn deliveries``: what came in from outside, what became of it, and once more."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.cli.moments import since
from airflow_provider_cloudfn.cli.presenting import Printer, masked, reported
from airflow_provider_cloudfn.exceptions import CloudFunctionError, ConfigurationError
from airflow_provider_cloudfn.json_encoding import timestamp_text

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

    from airflow_provider_cloudfn.deliveries.ledger import KeptDelivery

__all__ = ["list_deliveries", "replay_delivery", "show_delivery"]

_COLUMNS = ("number", "received", "source", "outcome", "status", "reason", "type", "sender's id", "again", "bytes")


def list_deliveries(args: Namespace) -> None:
    """Print deliveries, the newest first."""
    printer = Printer(args.json)
    with reported(printer, "deliveries list"), _database():
        from airflow_provider_cloudfn.deliveries.ledger import Wanted, find_deliveries
        from airflow_provider_cloudfn.deliveries.outcome import DeliveryOutcome

        found = find_deliveries(
            Wanted(
                source=args.source,
                event_type=args.type,
                outcome=None if args.outcome is None else DeliveryOutcome(args.outcome),
                since=since(args.since),
                before=args.before,
                at_most=args.limit,
            )
        )
        for message in _forgotten_too_soon():
            printer.complaint(message)
        if args.json:
            printer.document({"deliveries": [_told(delivery) for delivery in found]})
            return
        if not found:
            printer.line("No delivery: nothing of this kind came in over an event source, or it is no longer kept.")
            return
        printer.table(_COLUMNS, [_row(delivery) for delivery in found])
        if len(found) == args.limit:
            printer.line(f"There may be more: --before {found[-1].id}")


def show_delivery(args: Namespace) -> None:
    """Print one delivery, with what it carries."""
    printer = Printer(args.json)
    with reported(printer, "deliveries show"), _database():
        from airflow_provider_cloudfn.deliveries.ledger import find_delivery

        delivery = find_delivery(args.number)
        record = delivery.record()
        told = _told(delivery) | {"record": None if record is None else masked(record.to_dict(), "record")}
        if args.json:
            printer.document(told)
        else:
            printer.value(told)


def replay_delivery(args: Namespace) -> None:
    """Make an asset event of a delivery, once more."""
    printer = Printer(args.json)
    with reported(printer, "deliveries replay"), _database():
        from airflow_provider_cloudfn.deliveries.ledger import replay

        made = replay(args.number)
        if args.json:
            printer.document({"delivery": args.number, "asset_event": made})
        else:
            printer.line(f"Delivery {args.number} is asset event {made}: it starts the Dags that wait for it.")


def _forgotten_too_soon() -> Iterator[str]:
    from airflow_provider_cloudfn.hooks.event_source import EventSourceHook, forgets_too_soon, named_sources

    for name in sorted(named_sources()):
        # What is wrong with a connection its own test says.
        with suppress(CloudFunctionError):
            if (message := forgets_too_soon(EventSourceHook(name).source())) is not None:
                yield message


@contextmanager
def _database() -> Iterator[None]:
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except SQLAlchemyError as error:
        from airflow_provider_cloudfn.deliveries.outage import sentence_of

        raise ConfigurationError(f"{sentence_of(error)}; run this where Airflow is configured") from None


def _told(delivery: KeptDelivery) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "source": delivery.source,
        "received_at": timestamp_text(delivery.received_at),
        "outcome": delivery.outcome.value,
        "reason": delivery.reason,
        "status": delivery.status,
        "size": delivery.size,
        "repeats": delivery.repeats,
        "event_type": delivery.event_type,
        "event_id": delivery.event_id,
        "event_key": delivery.event_key,
        "asset_event_id": delivery.asset_event_id,
    }


def _row(delivery: KeptDelivery) -> list[str]:
    return [
        str(delivery.id),
        timestamp_text(delivery.received_at),
        delivery.source,
        delivery.outcome.value,
        str(delivery.status),
        delivery.reason or "",
        delivery.event_type or "",
        delivery.event_id or "",
        str(delivery.repeats or ""),
        str(delivery.size),
    ]
