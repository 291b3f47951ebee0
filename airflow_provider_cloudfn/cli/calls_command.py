"""``airflow cloudfn calls``: what the steps of a Dag have sent, and what came back, out of the records that they left."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from airflow_provider_cloudfn.cli.known_names import require_names
from airflow_provider_cloudfn.cli.presenting import Printer, reported, write
from airflow_provider_cloudfn.cli.private_file import write_private_file
from airflow_provider_cloudfn.cli.stored_xcom import xcom_value
from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.records.call_record import CALL_RECORD_KEY, CallRecord
from airflow_provider_cloudfn.records.commands import COMMANDS
from airflow_provider_cloudfn.records.har import har_of

if TYPE_CHECKING:
    from argparse import Namespace

__all__ = ["calls"]

#: How many records are told of, the newest; and how many are looked at for them, where they may be few among many.
_MOST = 500
_LOOKED_AT = 50_000


class _Left(Struct, frozen=True):
    """A record, and the task instance that left it."""

    run_id: str
    task_id: str
    map_index: int
    record: CallRecord

    @property
    def name(self) -> str:
        """What names the task instance in its Dag."""
        index = "" if self.map_index < 0 else f"[{self.map_index}]"
        return f"{self.run_id} {self.task_id}{index}"


def calls(args: Namespace) -> None:
    """Print the records of a Dag's calls, or turn them into an archive or into commands."""
    printer = Printer(args.json)
    with reported(printer, "calls"):
        if sum(bool(one) for one in (args.json, args.har, args.as_command)) > 1:
            raise ConfigurationError("--json, --har and --as: give one of them")
        found = _records(args, printer)
        if not found:
            require_names(args.dag_id, args.run_id, args.task_id)
        if args.har:
            _write_archive(args.har, found)
            printer.line(f"{args.har}: {len(found)} records")
        elif args.json:
            told = [
                {"run_id": one.run_id, "task_id": one.task_id, "map_index": one.map_index, "call": one.record.to_dict()}
                for one in found
            ]
            printer.document({"dag_id": args.dag_id, "calls": told})
        elif args.as_command:
            for left in found:
                # Not by the printer: what it prints is for people, and this is for a shell.
                write(_command(args.as_command, left))
        elif found:
            printer.table(("run", "task", "try", "what", "status", "calls", "seconds", "why"), map(_row, found))
        else:
            printer.line(
                f"Dag {args.dag_id!r} has left no record of this kind. Records are left by steps that have run, unless [cloudfn] "
                "call_records says otherwise, or do_xcom_push=False"
            )


def _row(left: _Left) -> tuple[str, ...]:
    record, exchange = left.record, left.record.exchange
    status = "" if exchange is None or exchange.answered is None else str(exchange.answered.status)
    index = "" if left.map_index < 0 else f"[{left.map_index}]"
    error = record.error
    why = record.outcome if error is None else f"{error.type}: {error.message}".partition("\n")[0]
    return (
        left.run_id,
        f"{left.task_id}{index}",
        str(record.try_number),
        record.function if exchange is None else f"{exchange.sent.method} {exchange.sent.url}",
        status,
        str(record.totals.calls),
        f"{record.seconds:.3f}",
        "" if record.outcome == "success" else why,
    )


def _command(form: str, left: _Left) -> str:
    exchange = left.record.exchange
    if exchange is None:
        return f"# {left.name}: nothing was sent\n"
    return f"# {left.name}\n{COMMANDS[form](exchange)}\n"


def _write_archive(file: str, found: list[_Left]) -> None:
    archive = har_of({left.name: left.record for left in found})
    write_private_file("--har", file, json.dumps(archive, indent=1), replacing=True)


def _records(args: Namespace, printer: Printer) -> list[_Left]:
    """Return what the task instances have left, the newest first."""
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from sqlalchemy import select
    from sqlalchemy.exc import SQLAlchemyError

    given = {"run_id": args.run_id, "task_id": args.task_id}
    wanted = select(XComModel).filter_by(dag_id=args.dag_id, key=CALL_RECORD_KEY)
    wanted = wanted.filter_by(**{name: text for name, text in given.items() if text is not None})
    wanted = wanted.order_by(XComModel.timestamp.desc()).limit(_LOOKED_AT).execution_options(yield_per=_MOST)
    found: list[_Left] = []
    looked_at = 0
    try:
        with create_session(scoped=False) as session:
            for row in session.scalars(wanted):
                looked_at += 1
                left = _read(row, printer)
                if left is not None and (left.record.outcome == "failed" or not args.failed):
                    found.append(left)
                session.expunge(row)
                if len(found) == _MOST:
                    break
    except SQLAlchemyError as error:
        raise ConfigurationError(
            f"Airflow's database can't be read ({type(error).__name__}): run this where Airflow is configured"
        ) from None
    if len(found) == _MOST or looked_at == _LOOKED_AT:
        printer.complaint(
            f"only the newest {looked_at:,} records were looked at: name a run, or a task, to see older ones"
        )
    return found


def _read(row: Any, printer: Printer) -> _Left | None:
    """Read a record; None where that can't be done, which is said."""
    try:
        return _Left(row.run_id, row.task_id, row.map_index, CallRecord.from_dict(xcom_value(row)))
    except ConfigurationError as error:
        # Another version's, or one that a custom XCom backend can't read here: the others are there all the same.
        printer.complaint(f"{row.run_id} {row.task_id}: {error}")
        return None
