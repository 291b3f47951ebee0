"""How commands print: tables and colours for people, one JSON document for programs. Secrets are hidden here at the last."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from airflow_provider_cloudfn.cli.silenced_logs import silenced_logs
from airflow_provider_cloudfn.client.redaction import Redaction
from airflow_provider_cloudfn.exceptions import CloudFunctionError, ConfigurationError, ExpressionError
from airflow_provider_cloudfn.json_encoding import to_json_value

__all__ = ["Printer", "error_dict", "masked", "reported"]

#: How a command ends whose step, or whose expressions, are wrong.
FAILED = 1
#: How a command ends that was told something that can't be.
MISUSED = 2


class Printer:
    """
    Prints for people, or for programs.

    :param as_json: Whether for programs.
    """

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self._redaction = Redaction(())
        self._console: Any = None

    def hide(self, secrets: Iterable[str]) -> None:
        """
        Print ``***`` for these from now on.

        :param secrets: What must not be seen.
        """
        self._redaction = Redaction(secrets)

    def complaint(self, text: str) -> None:
        """
        Print to standard error.

        :param text: What is wrong, and what to do.
        """
        print(self._redaction.text(text), file=sys.stderr)

    def document(self, value: Mapping[str, Any]) -> None:
        """
        Print JSON.

        :param value: The document.
        """
        print(json.dumps(self._hidden(_jsonable(value)), indent=2, ensure_ascii=False))

    def heading(self, text: str) -> None:
        """
        Print a heading.

        :param text: The heading.
        """
        self._print(f"\n{text}", style="bold")

    def line(self, text: str, style: str | None = None) -> None:
        """
        Print a line.

        :param text: The line.
        :param style: A style of rich, on a terminal.
        """
        self._print(text, style=style)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """
        Print a table.

        :param columns: The names of the columns.
        :param rows: The cells.
        """
        from rich.box import SIMPLE_HEAD
        from rich.table import Table
        from rich.text import Text

        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*(Text(self._redaction.text(cell)) for cell in row))
        self._terminal().print(table)

    def value(self, value: Any) -> None:
        """
        Print a value as JSON.

        :param value: The value.
        """
        self._print(json.dumps(_jsonable(value), indent=2, ensure_ascii=False))

    def _print(self, text: str, style: str | None = None) -> None:
        from rich.text import Text

        self._terminal().print(Text(self._redaction.text(text), style=style or ""), soft_wrap=True)

    def _terminal(self) -> Any:
        if self._console is None:
            from rich.console import Console

            # A pipe has no width: what is read by programs must not be broken into lines.
            self._console = Console() if sys.stdout.isatty() else Console(width=200, no_color=True)
        return self._console

    def _hidden(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._redaction.text(value)
        if isinstance(value, list):
            return [self._hidden(item) for item in value]
        if isinstance(value, dict):
            return {self._redaction.text(name): self._hidden(item) for name, item in value.items()}
        return value


@contextmanager
def reported(printer: Printer, command: str) -> Iterator[None]:
    """
    End a command with what was wrong, in the form that was asked for.

    :param printer: Prints.
    :param command: What the command is called.
    """
    try:
        # What the step would log stands in the report.
        with silenced_logs():
            yield
    except CloudFunctionError as error:
        fail(printer, command, error)


def fail(printer: Printer, command: str, error: CloudFunctionError) -> NoReturn:
    """
    End a command.

    :param printer: Prints.
    :param command: What the command is called.
    :param error: Why.
    """
    if printer.as_json:
        printer.document({"error": error_dict(error)})
    printer.complaint(f"airflow cloudfn {command}: {error}")
    sys.exit(MISUSED if isinstance(error, ConfigurationError) else FAILED)


def error_dict(error: BaseException | None) -> dict[str, Any] | None:
    """
    Return an error as JSON shows it.

    :param error: The error, or None.
    """
    if error is None:
        return None
    told: dict[str, Any] = {"type": type(error).__name__, "message": str(error)}
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


def masked(value: Any, name: str) -> Any:
    """
    Return a value as Airflow shows it: registered secrets, and what its name says is one, as ``***``.

    :param value: The value.
    :param name: Its name.
    """
    from airflow.sdk import log

    redact: Callable[..., Any] = log.redact  # type: ignore[attr-defined]  # re-exported without saying so
    return redact(_plain(value), name=name)


def _plain(value: Any) -> Any:
    """Return lazy maps and lists as plain ones, which is what Airflow's masker knows."""
    if isinstance(value, Mapping):
        return {key: _plain(value[key]) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray)):
        return [_plain(item) for item in value]
    return value


def _jsonable(value: Any) -> Any:
    try:
        return to_json_value(value)
    except ConfigurationError:
        return str(value)
