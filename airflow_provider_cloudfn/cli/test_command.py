"""``airflow cloudfn test``: carries a step out, over a mocked answer or a real one. Nothing is written to Airflow's database."""

from __future__ import annotations

import base64
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from airflow_provider_cloudfn.cli.presenting import FAILED, Printer, error_dict, masked, reported
from airflow_provider_cloudfn.cli.rehearsing import rehearsal_of
from airflow_provider_cloudfn.cli.render_command import render_report, show_rendering, show_request
from airflow_provider_cloudfn.client.redaction import Redaction
from airflow_provider_cloudfn.client.response import read_response
from airflow_provider_cloudfn.exceptions import CloudFunctionError, ConfigurationError, ExpressionError, ResponseError
from airflow_provider_cloudfn.testing.answers import FAILURES, AnswerScript, read_answers
from airflow_provider_cloudfn.testing.observing import Exchange, Stopwatch
from airflow_provider_cloudfn.testing.outcome import RenderedRequest
from airflow_provider_cloudfn.testing.samples import read_structured_file

if TYPE_CHECKING:
    from argparse import Namespace

    from airflow_provider_cloudfn.auth.scheme import Auth
    from airflow_provider_cloudfn.client.attempt import Attempt
    from airflow_provider_cloudfn.testing.rehearsal import Rehearsal

__all__ = ["test"]


def test(args: Namespace) -> None:
    """
    Carry out a step and print what came of it.

    :param args: Those of ``render`` but ``write_sample``, and ``mock``, ``send`` and ``record``.
    """
    printer = Printer(args.json)
    with reported(printer, "test"):
        if bool(args.mock) == args.send:
            raise ConfigurationError(
                "give one of --mock FILE (an answer, or the name of a failure) and --send (the real call)"
            )
        answers = _answers(args.mock) if args.mock else None
        looked_at = rehearsal_of(
            args.dag_id,
            args.task_id,
            file=args.file,
            sample=args.sample,
            run_id=args.run_id,
            map_index=args.map_index,
            needs_connection=args.send,
        )
        report, error = render_report(looked_at, printer)
        if error is not None:
            raise error
        rehearsal = looked_at.rehearsal
        outcome, failure = _send(rehearsal, printer) if args.send else _mock(rehearsal, answers)
        if args.record:
            _record(args.record, outcome["exchanges"])
        report.update(outcome, error=error_dict(failure))
        if args.json:
            printer.document(report)
        else:
            show_rendering(printer, {**report, "request": None})
            _show(printer, report)
        if failure is not None:
            if not args.json:
                printer.complaint(f"\nairflow cloudfn test: the step fails: {type(failure).__name__}: {failure}")
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
    script = AnswerScript(answers)
    try:
        result = rehearsal.run(script)
    except AssertionError as error:
        raise ConfigurationError(f"--mock: {error}") from None
    redaction = rehearsal.redaction
    exchanges = [
        _exchange(Exchange(request, answer), request, redaction)
        for request, answer in zip(result.sent, result.answers, strict=True)
    ]
    record = None if result.completion_event is None else result.completion_event.to_dict()
    return _outcome(
        rehearsal, exchanges, result.returned, record, result.error, list(result.attempts), []
    ), result.error


def _send(rehearsal: Rehearsal, printer: Printer) -> tuple[dict[str, Any], Exception | None]:
    hook = rehearsal.hook
    client = hook.client()
    watch = Stopwatch()
    attempts: list[Attempt] = []
    seen: list[Exchange] = []
    watched = replace(
        client,
        on_exchange=lambda request, response: seen.append(Exchange(request, response)),
        on_attempt=attempts.append,
        tls=watch.tls_context(client.tls),
        trace_configs=(watch.trace_config(),),
    )
    try:
        with hook.sending_over(watched):
            returned, record, error = rehearsal.carry_out()
    finally:
        secrets = [*hook.settings().secrets(), *client.auth.secrets()]
        printer.hide(secrets)
    redaction = Redaction(secrets, client.auth.reserved_query)
    exchanges = [_exchange(one, _withheld(one, client.auth), redaction) for one in seen]
    written = None if record is None else record.to_dict()
    return _outcome(rehearsal, exchanges, returned, written, error, attempts, watch.timings), error


def _withheld(exchange: Exchange, auth: Auth) -> Any:
    request = exchange.request
    for name in sorted(auth.reserved_query):
        request = request.with_query(name, "***")
    for name in sorted(auth.reserved_headers):
        request = request.with_header(name, "***")
    return request


def _exchange(exchange: Exchange, request: Any, redaction: Redaction) -> dict[str, Any]:
    shown = RenderedRequest.of(request, redaction).to_dict()
    shown["body"] = masked(shown["body"], "body")
    if exchange.response is None:
        return {"request": shown, "response": None}
    try:
        response = read_response(exchange.response, shown["url"])
        body, headers = response.body, response.headers
    except CloudFunctionError:
        body, headers = exchange.response.content, dict(exchange.response.headers)
    told: dict[str, Any] = {
        "status": exchange.response.status,
        "headers": {name: redaction.text(value) for name, value in headers.items() if name not in _OWN_HEADERS},
    }
    if isinstance(body, bytes):
        told["body_base64"] = base64.b64encode(body).decode("ascii")
    else:
        told["body"] = redaction.text(body) if isinstance(body, str) else masked(body, "body")
    return {"request": shown, "response": told}


#: What says how the bytes of an answer were packed, which are unpacked here.
_OWN_HEADERS = frozenset({"content-length", "content-encoding", "transfer-encoding", "connection", "keep-alive"})


def _outcome(
    rehearsal: Rehearsal,
    exchanges: list[dict[str, Any]],
    returned: Any,
    record: Any,
    error: Exception | None,
    attempts: list[Attempt],
    timings: list[Any],
) -> dict[str, Any]:
    return {
        "exchanges": exchanges,
        "request": exchanges[-1]["request"] if exchanges else None,
        "response": exchanges[-1]["response"] if exchanges else None,
        "success_when": _success(rehearsal.task, exchanges, error),
        "returned": masked(returned, "returned"),
        "completion_event": masked(record, "completion_event"),
        "attempts": [
            {
                "number": one.number,
                "status": one.status,
                "error": one.error,
                "error_type": one.error_type,
                "milliseconds": round(one.duration * 1000, 1),
                "next_in_seconds": one.next_in,
            }
            for one in attempts
        ],
        "timing": [one.to_dict() for one in timings],
    }


def _success(task: Any, exchanges: list[dict[str, Any]], error: Exception | None) -> bool | None:
    """Return whether the call was found to be a success; None where that was not asked."""
    if not exchanges or exchanges[-1]["response"] is None:
        return None
    if getattr(task, "success_when", None) is None:
        return 200 <= int(exchanges[-1]["response"]["status"]) < 300
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
            ("Request", "Connect", "TLS", "First byte", "Total"),
            [tuple("" if cell is None else str(cell) for cell in one.values()) for one in report["timing"]],
        )
    if report["success_when"] is not None:
        printer.heading("Success")
        printer.line(str(report["success_when"]).lower(), style="green" if report["success_when"] else "red")
    if report["error"] is None:
        printer.heading("Returns")
        printer.value(report["returned"])
        if report["completion_event"] is not None:
            printer.heading("Completion event")
            printer.value(report["completion_event"])


def _record(name: str, exchanges: list[dict[str, Any]]) -> None:
    """Keep the exchanges for ``--mock``; a file that is there stays as it is."""
    kept = [one for one in exchanges if one["response"] is not None]
    text = json.dumps({"exchanges": kept}, indent=2, ensure_ascii=False) + "\n"
    try:
        descriptor = os.open(Path(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ConfigurationError(f"--record: {name} is there already: name another file") from None
    except OSError as error:
        raise ConfigurationError(f"--record: can't write {name}: {error.strerror}") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(text)
