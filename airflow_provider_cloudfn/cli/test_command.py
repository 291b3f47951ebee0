"""``airflow cloudfn test``: carries a step out, over a mocked answer or a real one. Nothing is written to Airflow's database."""

from __future__ import annotations

import base64
import json
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import asdict, replace

from airflow_provider_cloudfn.cli.presenting import (
    FAILED,
    Printer,
    error_dict,
    masked,
    masked_body,
    masked_headers,
    reported,
    shown_request,
    told_of,
)
from airflow_provider_cloudfn.cli.private_file import private_file
from airflow_provider_cloudfn.cli.rehearsing import rehearsal_of
from airflow_provider_cloudfn.cli.render_command import render_report, show_rendering, show_request
from airflow_provider_cloudfn.client.redaction import Redaction
from airflow_provider_cloudfn.client.response import read_response, response_headers
from airflow_provider_cloudfn.client.time_split import TimeSplit
from airflow_provider_cloudfn.exceptions import CloudFunctionError, ConfigurationError, ExpressionError, ResponseError
from airflow_provider_cloudfn.testing.answers import FAILURES, AnswerScript, read_answers
from airflow_provider_cloudfn.testing.outcome import RenderedRequest
from airflow_provider_cloudfn.testing.rehearsal import Rehearsal, withheld
from airflow_provider_cloudfn.testing.samples import read_structured_file

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

    from airflow_provider_cloudfn.auth.message import HttpRequest, HttpResponse
    from airflow_provider_cloudfn.client.attempt import Attempt
    from airflow_provider_cloudfn.events.record import CompletionRecord

__all__ = ["test"]


def test(args: Namespace) -> None:
    """Carry out a step and print what came of it."""
    printer = Printer(args.json)
    with reported(printer, "test"):
        if bool(args.mock) == args.send:
            raise ConfigurationError(
                "give one of --mock FILE (an answer, or the name of a failure) and --send (the real call)"
            )
        if args.to and not args.send:
            raise ConfigurationError("--to says where --send may send: give it with --send")
        answers = _answers(args.mock) if args.mock else None
        looked_at = rehearsal_of(args, needs_connection=args.send)
        report, error = render_report(looked_at, printer)
        if error is not None:
            raise error
        if args.to and report["sends_to"] != args.to:
            goes = report["sends_to"] or "nowhere, for there is no item"
            raise ConfigurationError(f"--to: nothing was sent, because the call goes to {goes}, and not to {args.to}")
        rehearsal = looked_at.rehearsal
        # Before anything is sent: whoever has to do it again for want of a record would send it twice.
        with private_file("--record", args.record) if args.record else nullcontext() as record:
            outcome, failure = _send(rehearsal, printer) if args.send else _mock(rehearsal, answers)
            if record is not None:
                kept = [one for one in outcome["exchanges"] if one["response"] is not None]
                record.write(json.dumps({"exchanges": kept}, indent=2, ensure_ascii=False) + "\n")
        report.update(outcome, error=error_dict(failure))
        if args.json:
            printer.document(report)
        else:
            show_rendering(printer, {**report, "request": None, "items": None, "item_requests": {}})
            _show(printer, report)
        if failure is not None:
            if not args.json:
                printer.complaint(
                    f"\nairflow cloudfn test: the step fails: {type(failure).__name__}: {told_of(failure)}"
                )
            sys.exit(FAILED)


def _answers(mock: str) -> Any:
    if not Path(mock).exists() and (mock in FAILURES or mock.isdigit()):
        answers: Any = mock
    elif not Path(mock).exists():
        raise ConfigurationError(
            f"--mock: there is no file {mock}, and no failure of that name; there are {', '.join(FAILURES)}"
        )
    else:
        answers = read_structured_file(Path(mock), "--mock")
    read_answers(answers, where=f"--mock: {mock}")
    return answers


def _mock(rehearsal: Rehearsal, answers: Any) -> tuple[dict[str, Any], Exception | None]:
    try:
        result = rehearsal.run(AnswerScript(answers))
    except AssertionError as error:
        raise ConfigurationError(f"--mock: {error}") from None
    exchanged = zip(result.sent, result.answers, strict=True)
    exchanges = [_exchange(request, response, rehearsal.redaction) for request, response in exchanged]
    return _outcome(rehearsal, exchanges, (result.returned, result.completion_events, result.error), result.attempts)


def _send(rehearsal: Rehearsal, printer: Printer) -> tuple[dict[str, Any], Exception | None]:
    hook = rehearsal.hook
    client = hook.client()
    attempts: list[Attempt] = []
    exchanged: list[tuple[HttpRequest, HttpResponse | None]] = []
    watched = replace(
        client,
        on_exchange=lambda request, response: exchanged.append((request, response)),
        on_attempt=attempts.append,
    )
    try:
        with hook.sending_over(watched):
            carried_out = rehearsal.carry_out()
    finally:
        secrets = [*hook.settings().secrets(), *client.auth.secrets()]
        printer.hide(secrets)
    redaction = Redaction(secrets, client.auth.reserved_query)
    exchanges = [_exchange(withheld(request, client.auth), response, redaction) for request, response in exchanged]
    return _outcome(rehearsal, exchanges, carried_out, attempts)


def _exchange(request: HttpRequest, answer: HttpResponse | None, redaction: Redaction) -> dict[str, Any]:
    shown = shown_request(RenderedRequest.of(request, redaction))
    if answer is None:
        return {"request": shown, "response": None}
    try:
        response = read_response(answer, shown["url"])
        body, headers = response.body, response.headers
    except CloudFunctionError:
        body, headers = answer.content, response_headers(answer)
    told: dict[str, Any] = {
        "status": answer.status,
        "headers": masked_headers(
            {name: redaction.text(value) for name, value in headers.items() if name not in _OWN_HEADERS}
        ),
    }
    if isinstance(body, bytes):
        told["body_base64"] = base64.b64encode(body).decode("ascii")
    else:
        told["body"] = masked_body(redaction.text(body) if isinstance(body, str) else body)
    return {"request": shown, "response": told}


#: What says how the bytes of an answer were packed, which are unpacked here.
_OWN_HEADERS = frozenset({"content-length", "content-encoding", "transfer-encoding", "connection", "keep-alive"})


def _outcome(
    rehearsal: Rehearsal,
    exchanges: list[dict[str, Any]],
    carried_out: tuple[Any, tuple[CompletionRecord, ...], Exception | None],
    attempts: Sequence[Attempt],
) -> tuple[dict[str, Any], Exception | None]:
    returned, records, error = carried_out
    events = [masked(record.to_dict(), "completion_event") for record in records]
    last = exchanges[-1] if exchanges else {"request": None, "response": None}
    report = {
        "exchanges": exchanges,
        **last,
        "success_when": _success(rehearsal.task, last["response"], error),
        "returned": masked(returned, "returned"),
        "completion_event": events[0] if events else None,
        "completion_events": events,
        "attempts": [
            {
                "number": one.number,
                "status": one.status,
                "error": masked(one.error, "error"),
                "error_type": one.error_type,
                "milliseconds": round(one.duration * 1000, 1),
                "next_in_seconds": one.next_in,
            }
            for one in attempts
        ],
        "timing": [_milliseconds(one.split) for one in attempts if one.split != TimeSplit()],
    }
    return report, error


def _milliseconds(split: TimeSplit) -> dict[str, float]:
    return {f"{name}_ms": round(seconds * 1000, 1) for name, seconds in asdict(split).items()}


def _success(task: Any, response: dict[str, Any] | None, error: Exception | None) -> bool | None:
    """Return whether the call was found to be a success; None where that was not asked."""
    if response is None:
        return None
    if getattr(task, "success_when", None) is None:
        return 200 <= int(response["status"]) < 300
    if isinstance(error, ResponseError):
        return False
    if isinstance(error, ExpressionError) and (error.field or "").startswith("success_when"):
        return None
    return True


def _show(printer: Printer, report: dict[str, Any]) -> None:
    for number, exchange in enumerate(report["exchanges"], start=1):
        last = f" {number}" if len(report["exchanges"]) > 1 else ""
        show_request(printer, exchange["request"], f"Request{last}")
        printer.heading(f"Response{last}")
        answer = exchange["response"]
        if answer is None:
            printer.line("none came", style="red")
            continue
        printer.line(str(answer["status"]), style="green" if answer["status"] < 400 else "red")
        for name, value in answer["headers"].items():
            printer.line(f"  {name}: {value}")
        printer.value(answer.get("body", answer.get("body_base64")))
    printer.heading("Attempts")
    printer.table(
        ("Attempt", "Status", "Error", "Milliseconds", "Next in"),
        [
            (
                str(one["number"]),
                str(one["status"] or ""),
                one["error_type"] or "",
                str(one["milliseconds"]),
                "" if one["next_in_seconds"] is None else f"{one['next_in_seconds']:.1f} s",
            )
            for one in report["attempts"]
        ],
    )
    if report["timing"]:
        printer.heading("Timing, in milliseconds")
        printer.table(
            ("Token", "Name", "Connect", "TLS", "First byte", "Download"),
            [tuple(str(cell or "") for cell in one.values()) for one in report["timing"]],
        )
    if report["success_when"] is not None:
        printer.heading("Success")
        printer.line(str(report["success_when"]).lower(), style="green" if report["success_when"] else "red")
    if report["error"] is None:
        printer.heading("Returns")
        printer.value(report["returned"])
        for event in report["completion_events"]:
            printer.heading("Completion event")
            printer.value(event)
