"""How commands print: tables and colours for people, one JSON document for programs. Secrets are hidden here at the last."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from airflow_provider_cloudfn.auth.credential_names import is_secret_name, is_secret_value
from airflow_provider_cloudfn.auth.spellings import MASK
from airflow_provider_cloudfn.authoring import airflow_masker
from airflow_provider_cloudfn.cli.silenced_logs import silenced_logs
from airflow_provider_cloudfn.client.default_headers import with_default_headers
from airflow_provider_cloudfn.client.redaction import Redaction
from airflow_provider_cloudfn.exceptions import CloudFunctionError, ConfigurationError, ExpressionError
from airflow_provider_cloudfn.json_encoding import to_json_value
from airflow_provider_cloudfn.records.named_secrets import without_named_secrets
from airflow_provider_cloudfn.records.visible import visible
from airflow_provider_cloudfn.testing.outcome import RenderedRequest, redacted

__all__ = [
    "Printer",
    "error_dict",
    "masked",
    "masked_body",
    "masked_headers",
    "reported",
    "shown_request",
    "told_of",
    "write",
]

#: How a command ends whose step, or whose expressions, are wrong.
FAILED = 1
#: How a command ends that was told something that can't be.
MISUSED = 2


class Printer:
    """Prints for people, or for programs."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        # What the locale has no letter for is no reason to end in a traceback.
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        self._redaction = Redaction(())
        self._console: Any = None

    def hide(self, secrets: Iterable[str]) -> None:
        """Print ``***`` for these from now on."""
        self._redaction = Redaction(secrets)

    def complaint(self, text: str) -> None:
        """Print to standard error."""
        print(visible(self._redaction.text(text)), file=sys.stderr)

    def document(self, value: Mapping[str, Any]) -> None:
        """Print JSON, at once: whoever gave a line of the input may wait for it."""
        write(_json_text(redacted(_jsonable(value), self._redaction)))

    def heading(self, text: str) -> None:
        """Print a heading."""
        self.line(f"\n{text}", style="bold")

    def line(self, text: str, style: str | None = None) -> None:
        """Print a line, on a terminal in a style of rich."""
        from rich.text import Text

        self._terminal().print(Text(visible(self._redaction.text(text)), style=style or ""), soft_wrap=True)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Print a table."""
        from rich.box import SIMPLE_HEAD
        from rich.table import Table
        from rich.text import Text

        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*(Text(visible(self._redaction.text(cell))) for cell in row))
        self._terminal().print(table)

    def value(self, value: Any) -> None:
        """Print a value as JSON."""
        self.line(_json_text(_jsonable(value)))

    def _terminal(self) -> Any:
        if self._console is None:
            from rich.console import Console

            # A pipe has no width: what is read by programs must not be broken into lines.
            self._console = Console() if sys.stdout.isatty() else Console(width=200, no_color=True)
        return self._console


def write(text: str) -> None:
    """
    Print a text as it is, at once, and end where nobody reads on, as ``| head`` does; rich does so by itself.

    :param text: The text.
    """
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # Else Python would try once more at its end, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILED)


@contextmanager
def reported(printer: Printer, command: str) -> Iterator[None]:
    """End a command with what was wrong, in the form that was asked for."""
    try:
        # What the step would log stands in the report.
        with silenced_logs():
            yield
    except CloudFunctionError as error:
        if printer.as_json:
            printer.document({"error": error_dict(error)})
        printer.complaint(f"airflow cloudfn {command}: {told_of(error)}")
        sys.exit(MISUSED if isinstance(error, ConfigurationError) else FAILED)


def error_dict(error: BaseException | None) -> dict[str, Any] | None:
    """Return an error as JSON shows it."""
    if error is None:
        return None
    told: dict[str, Any] = {"type": type(error).__name__, "message": told_of(error)}
    if isinstance(error, ExpressionError):
        told["field"] = error.field
        told["problems"] = [
            {"message": problem.message, "line": problem.line, "column": problem.column} for problem in error.problems
        ]
    elif isinstance(error, CloudFunctionError):
        told.update(
            status=error.status, request_id=error.request_id, retryable=error.retryable, retry_after=error.retry_after
        )
    return told


def told_of(error: BaseException) -> str:
    """Return what an error says: what a step sends may hold the value of a variable that Airflow hides."""
    return str(masked(str(error), "error"))


def masked(value: Any, name: str) -> Any:
    """Return a value as Airflow shows it: registered secrets, and what its name says is one, as ``***``."""
    return airflow_masker.masked(_plain(value), name)


def masked_body(body: Any) -> Any:
    """Return a body as it is shown: text without what its own names say is a secret, as in a call record."""
    return without_named_secrets(masked(body, "body")) if isinstance(body, str) else masked(body, "body")


def masked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers as they are shown, without what its name, or its form, says is a secret, as in a call record."""
    return {
        name: MASK if is_secret_name(name, "header") or is_secret_value(value) else masked(value, name)
        for name, value in headers.items()
    }


def shown_request(request: RenderedRequest) -> dict[str, Any]:
    """Return a request as JSON shows it."""
    shown = request.to_dict()
    return shown | {
        "url": masked(shown["url"], "url"),
        "query": {
            name: MASK if is_secret_name(name, "query") else masked(value, name)
            for name, value in shown["query"].items()
        },
        "headers": masked_headers(dict(with_default_headers(shown["headers"].items()))),
        "body": masked_body(shown["body"]),
    }


def _plain(value: Any) -> Any:
    """Return lazy maps and lists as plain ones, which is what Airflow's masker knows."""
    if isinstance(value, Mapping):
        return {key: _plain(value[key]) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray)):
        return [_plain(item) for item in value]
    return value


def _json_text(value: Any) -> str:
    """Return JSON for a terminal: what would change it, or the order of what is read, stands as an escape."""
    says_all = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().startswith("utf")
    return visible(json.dumps(value, indent=2, ensure_ascii=not says_all))


def _jsonable(value: Any) -> Any:
    try:
        return to_json_value(value)
    except ConfigurationError:
        return str(value)
