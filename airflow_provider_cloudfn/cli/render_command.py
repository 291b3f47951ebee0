"""``airflow cloudfn render``: what a step would send, and with what it would see. Nothing is sent."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from airflow_provider_cloudfn.authoring.options import declared_by
from airflow_provider_cloudfn.authoring.reading import read
from airflow_provider_cloudfn.authoring.rules import refuse
from airflow_provider_cloudfn.authoring.task import AuthoredTask
from airflow_provider_cloudfn.authoring.written import formulas
from airflow_provider_cloudfn.cli.presenting import (
    FAILED,
    Printer,
    error_dict,
    masked,
    reported,
    shown_request,
    told_of,
)
from airflow_provider_cloudfn.cli.private_file import write_private_file
from airflow_provider_cloudfn.cli.rehearsing import CommandRehearsal, rehearsal_of
from airflow_provider_cloudfn.cli.variables_in_scope import evaluated, missing, shown, skeleton, variables_in_scope
from airflow_provider_cloudfn.exceptions import CloudFunctionError

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping

    from airflow_provider_cloudfn.authoring.written import Formula

__all__ = ["render", "render_report", "show_rendering", "show_request"]


#: So many requests of a batch are shown.
_ITEMS: Final = 3


def render(args: Namespace) -> None:
    """Print the variables in scope, each expression with its value, and the request that would be sent."""
    printer = Printer(args.json)
    with reported(printer, "render"):
        looked_at = rehearsal_of(args, for_skeleton=bool(args.write_sample))
        if args.write_sample:
            _write_sample(looked_at, args.write_sample)
        report, error = render_report(looked_at, printer)
        if args.json:
            printer.document(report)
        else:
            show_rendering(printer, report)
            if error is not None:
                printer.complaint(f"\nairflow cloudfn render: no request can be made:\n{told_of(error)}")
                if report["missing"]:
                    printer.complaint(
                        "Fill in what is missing: --write-sample FILE writes a skeleton for --sample FILE."
                    )
        if error is not None:
            sys.exit(FAILED)


def render_report(looked_at: CommandRehearsal, printer: Printer) -> tuple[dict[str, Any], CloudFunctionError | None]:
    """
    Return all that is known of a step before its call, as JSON shows it, and why it can't be made.

    :param printer: Is told the connection's secrets.
    """
    rehearsal = looked_at.rehearsal
    task = rehearsal.task
    report: dict[str, Any] = {
        "dag_id": looked_at.task.dag_id,
        "task_id": looked_at.task.task_id,
        "map_index": rehearsal.context["ti"].map_index,
        "variables": [],
        "missing": [],
        "fields": [],
        "request": None,
        "sends_to": None,
        "items": None,
        "item_requests": {},
        "notes": looked_at.notes,
        "error": None,
    }
    try:
        variables = rehearsal.variables()
        report["variables"] = [asdict(row) for row in variables_in_scope(task, variables, masked)]
        report["missing"] = missing(task, variables)
        report["fields"] = _fields(task, variables)
        refuse(AuthoredTask(task), rehearsal.arrived)
        rehearsal.render()
        printer.hide(rehearsal.hook.settings().secrets())
        if getattr(task, "has_items", False):
            found, report["items"] = rehearsal.item_requests(_ITEMS)
            report["item_requests"] = {key: shown_request(one) for key, one in found.items()}
            report["request"] = next(iter(report["item_requests"].values()), None)
        else:
            report["request"] = shown_request(rehearsal.request())
        report["sends_to"] = _sends_to(report["request"])
    except CloudFunctionError as error:
        report["error"] = error_dict(error)
        return report, error
    return report, None


def show_rendering(printer: Printer, report: Mapping[str, Any]) -> None:
    """Print for people what :func:`render_report` returned."""
    index = f" [{report['map_index']}]" if report["map_index"] >= 0 else ""
    printer.line(f"{report['dag_id']}.{report['task_id']}{index}", style="bold")
    printer.heading("Variables in scope")
    printer.table(
        ("Expression", "Type", "Size", "Sample"),
        [
            (row["expression"], row["type"], "" if row["size"] is None else str(row["size"]), row["sample"])
            # What every task has comes last.
            for row in sorted(report["variables"], key=lambda row: row["expression"].startswith("run."))
        ],
    )
    if report["missing"]:
        printer.heading("Missing: read by an expression, and not there")
        for name in report["missing"]:
            printer.line(f"  {name}", style="red")
    printer.heading("Fields")
    printer.table(
        ("Field", "Expression", "Value"),
        [(row["field"], row["expression"], row["error"] or row["shown"]) for row in report["fields"]],
    )
    if report["item_requests"]:
        count = "one for each line" if report["items"] is None else f"{report['items']:,}"
        printer.heading(f"Calls: {count}; the first {len(report['item_requests'])}")
    elif report["items"] == 0:
        printer.heading("Calls: none, for there is no item")
    for key, request in report["item_requests"].items():
        show_request(printer, request, f"Request for {key}")
    if report["request"] is not None and not report["item_requests"]:
        show_request(printer, report["request"])
    for note in report["notes"]:
        printer.line(f"Note: {note}.", style="yellow")


def show_request(printer: Printer, request: Mapping[str, Any], title: str = "Request") -> None:
    """Print a request for people."""
    printer.heading(title)
    printer.line(f"{request['method']} {request['url']}")
    for name, value in request["query"].items():
        for one in value if isinstance(value, list) else [value]:
            printer.line(f"  ?{name}={one}")
    for name, value in request["headers"].items():
        printer.line(f"  {name}: {value}")
    if request["body"] is not None:
        printer.value(request["body"])


def _sends_to(request: Mapping[str, Any] | None) -> str | None:
    """Return the method and the origin, to which all requests of a step go: what somebody agrees to who lets it be sent."""
    if request is None:
        return None
    parts = urlsplit(request["url"])
    return f"{request['method']} {parts.scheme}://{parts.netloc}"


def _fields(task: Any, variables: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for parameter, written, _ in declared_by(task):
        for formula in formulas(read(parameter, written)):
            row = {"field": formula.label, "expression": formula.source, "value": None, "shown": "", "error": None}
            if parameter.after_call:
                row["shown"] = "(when the answer is there)"
            else:
                row.update(_value(formula, variables))
            rows.append(row)
    return rows


def _value(formula: Formula, variables: Mapping[str, Any]) -> dict[str, Any]:
    try:
        value = masked(evaluated(formula.source, variables), formula.label)
    except CloudFunctionError as error:
        return {"error": str(error).partition("\n")[0]}
    return {"value": value, "shown": shown(value)}


def _write_sample(looked_at: CommandRehearsal, name: str) -> None:
    """Write a skeleton for ``--sample``; a file that is there stays as it is."""
    import yaml

    from airflow_provider_cloudfn.json_encoding import to_json_value

    rehearsal = looked_at.rehearsal
    sample = to_json_value(skeleton(rehearsal.task, rehearsal.variables(), masked))
    text = (
        f"# What the expressions of {looked_at.task.dag_id}.{looked_at.task.task_id} read: fill in what is null, and give it to "
        f"--sample.\n{yaml.safe_dump(sample, sort_keys=False, allow_unicode=True) if sample else '{}'}"
    )
    write_private_file("--write-sample", name, text)
