"""``airflow cloudfn events catch-up``: runs for the events of a time in which a Dag was paused, or not there yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import to_builtins

from airflow_provider_cloudfn.cli.moments import since
from airflow_provider_cloudfn.cli.presenting import Printer, reported
from airflow_provider_cloudfn.events.catch_up import CaughtUp, catch_up, told
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    import datetime as dt
    from argparse import Namespace

__all__ = ["catch_up_events"]


def catch_up_events(args: Namespace) -> None:
    """Let the scheduler make the runs, and say how many events were found."""
    printer = Printer(args.json)
    with reported(printer, "events catch-up"):
        found = _found(args.dag_id, since(args.since), dry_run=args.dry_run)
        if args.json:
            printer.document({"dag_id": args.dag_id, "dry_run": args.dry_run, **to_builtins(found)})
            return
        for line in told(args.dag_id, found, dry_run=args.dry_run):
            printer.line(line)


def _found(dag_id: str, begin: dt.datetime | None, *, dry_run: bool) -> CaughtUp:
    from sqlalchemy.exc import SQLAlchemyError

    try:
        return catch_up(dag_id, since=begin, dry_run=dry_run)
    except SQLAlchemyError as error:
        raise ConfigurationError(
            f"Airflow's database did not take it ({type(error).__name__}): run this where Airflow is configured, and again if it "
            "was busy; no event is queued twice"
        ) from None
