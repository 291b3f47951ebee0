"""``airflow cloudfn progress``: how far the calls of a batch got, while it runs and after."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from msgspec import to_builtins

from airflow_provider_cloudfn.cli.known_names import require_names
from airflow_provider_cloudfn.cli.presenting import Printer, reported
from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.journal.kept_batch import batch_of, rows_of_batch

if TYPE_CHECKING:
    from argparse import Namespace

__all__ = ["progress"]

_TOLD = 20


def progress(args: Namespace) -> None:
    """Print how far a batch got, or make Airflow forget it."""
    printer = Printer(args.json)
    with reported(printer, "progress"):
        index = -1 if args.map_index is None else args.map_index
        rows = rows_of_batch(args.dag_id, args.task_id, args.run_id, index, forget=args.forget)
        if args.forget:
            if not rows:
                raise _no_batch(args)
            printer.line(f"Forgotten: {len(rows)} rows. A try of {args.task_id} begins its calls anew.")
            return
        entry = batch_of(rows)
        if entry is None:
            raise _no_batch(args)
        report = {name: value for name, value in to_builtins(entry).items() if name not in ("ahead", "keys")}
        if args.json:
            printer.document(report)
            return
        printer.line(entry.progress)
        spent = (dt.datetime.now(tz=dt.UTC) - entry.started_at).total_seconds()
        printer.line(f"begun {entry.started_at.isoformat(timespec='seconds')}, {spent:,.0f} s ago")
        for failure in entry.put_off[:_TOLD]:
            printer.line(f"  again: {failure.index} ({failure.key}): {failure.error}")
        for failure in entry.failures[:_TOLD]:
            printer.line(f"  {failure.index} ({failure.key}): {failure.error}")
        if len(entry.failures) > _TOLD:
            printer.line(f"  and {len(entry.failures) - _TOLD:,} more: --json lists them")


def _no_batch(args: Namespace) -> ConfigurationError:
    require_names(args.dag_id, args.run_id, args.task_id)
    return ConfigurationError(
        f"task {args.task_id!r} has left nothing about a batch in run {args.run_id!r}: it is no for_each= step, has not begun, "
        "or runs on an Airflow before 3.3, which keeps no task state; an instance of a mapped step is named with --map-index"
    )
