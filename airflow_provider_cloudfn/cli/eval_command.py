"""``airflow cloudfn eval``: evaluates one expression, or reads them one by one."""

from __future__ import annotations

import re
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.authoring import language
from airflow_provider_cloudfn.authoring.vocabulary import VARIABLES
from airflow_provider_cloudfn.cli.presenting import FAILED, Printer, error_dict, masked, reported, told_of
from airflow_provider_cloudfn.cli.rehearsing import rehearsal_of, samples_from
from airflow_provider_cloudfn.cli.variables_in_scope import evaluated, type_name, variables_in_scope
from airflow_provider_cloudfn.exceptions import CloudFunctionError, ConfigurationError, ExpressionError
from airflow_provider_cloudfn.testing.samples import ABSENT, SECTIONS

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator, Mapping

__all__ = ["completions", "evaluate"]


def evaluate(args: Namespace) -> None:
    """Print the value and the type of an expression, or what is wrong with it."""
    printer = Printer(args.json)
    with reported(printer, "eval"):
        variables, expressions = _variables(args)
        if args.expression == "-":
            _loop(printer, variables, expressions)
            return
        report, error = _evaluated(args.expression, variables)
        _show(printer, report, error)
        if error is not None:
            sys.exit(FAILED)


def completions(text: str, expressions: list[str]) -> list[str]:
    """Return what of all that is in scope can stand in the place of an unfinished word, such as ``steps.fetch``."""
    found: dict[str, None] = {}
    for expression in expressions:
        if expression.startswith(text):
            # One level at a time, as a path is read.
            ends = (part.end() for part in _PART.finditer(expression))
            found[expression[: next((end for end in ends if end >= len(text)), None)]] = None
    return list(found)


_PART = re.compile(r'\.?\w+|\["[^"]*"\]|\[\d+\]')


def _variables(args: Namespace) -> tuple[Mapping[str, Any], list[str]]:
    if args.dag_id is None and args.task_id is None:
        for option, value in (("--run-id", args.run_id), ("--map-index", args.map_index), ("--file", args.file)):
            if value is not None:
                raise ConfigurationError(f"{option}: give --dag-id and --task-id too, which say whose values they are")
        samples = samples_from(args)
        given = {name: getattr(samples, name) for name in SECTIONS}
        variables: Mapping[str, Any] = {name: value for name, value in given.items() if value is not ABSENT}
        return variables, [row.expression for row in variables_in_scope(None, variables, masked)]
    if args.dag_id is None or args.task_id is None:
        raise ConfigurationError("--dag-id and --task-id: give both of them, or none")
    rehearsal = rehearsal_of(args).rehearsal
    variables = rehearsal.variables()
    return variables, [row.expression for row in variables_in_scope(rehearsal.task, variables, masked)]


def _evaluated(source: str, variables: Mapping[str, Any]) -> tuple[dict[str, Any], CloudFunctionError | None]:
    report: dict[str, Any] = {"expression": source, "value": None, "type": None, "error": None}
    try:
        checked = language.check(source, variables=VARIABLES)
        if checked.problems:
            raise ExpressionError(checked.problems, source=source)
        value = evaluated(source, variables)
    except CloudFunctionError as error:
        report["error"] = error_dict(error)
        return report, error
    last = source.rpartition(".")[2]
    report.update(value=masked(value, last if last.isidentifier() else "value"), type=type_name(value))
    return report, None


def _show(printer: Printer, report: dict[str, Any], error: CloudFunctionError | None) -> None:
    if printer.as_json:
        printer.document(report)
    elif error is not None:
        printer.complaint(told_of(error))
    else:
        printer.value(report["value"])
        printer.line(report["type"], style="dim")


def _loop(printer: Printer, variables: Mapping[str, Any], expressions: list[str]) -> None:
    """Read, evaluate, print, until the end of the input."""
    interactive = sys.stdin.isatty()
    if interactive:
        printer.line("An expression a line; Tab completes what is in scope, Ctrl-D ends.", style="dim")
    has_failed = False
    with _completing(expressions, interactive):
        for source in _sources(interactive):
            if source.strip():
                report, error = _evaluated(source, variables)
                _show(printer, report, error)
                has_failed |= error is not None
    # Who types has seen it.
    if has_failed and not interactive:
        sys.exit(FAILED)


def _sources(interactive: bool) -> Iterator[str]:
    """Yield an expression a line; a line that ends with a backslash goes on in the next one."""
    lines: list[str] = []
    while True:
        try:
            line = input(("...> " if lines else "cel> ") if interactive else "")
        except (EOFError, KeyboardInterrupt):
            if lines:
                yield "\n".join(lines)
            return
        lines.append(line.removesuffix("\\"))
        if line == lines[-1]:
            yield "\n".join(lines)
            lines = []


@contextmanager
def _completing(expressions: list[str], interactive: bool) -> Iterator[None]:
    if not interactive:
        yield
        return
    try:
        import readline
    except ImportError:  # not every Python was built with it
        yield
        return

    def complete(text: str, state: int) -> str | None:
        found = completions(text, expressions)
        return found[state] if state < len(found) else None

    before, delimiters = readline.get_completer(), readline.get_completer_delims()
    readline.set_completer(complete)
    readline.set_completer_delims(" \t\n(){},+-*/%!<>=&|?:")
    readline.parse_and_bind("tab: complete")
    try:
        yield
    finally:
        readline.set_completer(before)
        readline.set_completer_delims(delimiters)
