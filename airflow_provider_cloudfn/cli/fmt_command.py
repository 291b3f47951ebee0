"""``airflow cloudfn fmt``: writes the expressions of Dag files in one style, and touches nothing else."""

from __future__ import annotations

import difflib
import io
import os
import sys
import tempfile
import tokenize
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_cloudfn.cli.fmt.dag_source import WrongExpressionsError, formatted_source
from airflow_provider_cloudfn.cli.presenting import FAILED, Printer, reported
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

__all__ = ["fmt"]


def fmt(args: Namespace) -> None:
    """Format the expressions of the Dag files in ``args.path``."""
    printer = Printer(as_json=False)
    with reported(printer, "fmt"):
        changed = wrong = same = 0
        for file in _files(args.path):
            try:
                old, encoding = _read(file)
                new = formatted_source(old, args.line_length)
                data = new.encode(encoding)
            except (SyntaxError, ValueError, RecursionError) as error:
                wrong += 1
                printer.complaint(f"{file}{_line(error)}: is no Python that can be read, and stays as it is: {error}")
                continue
            except WrongExpressionsError as error:
                wrong += 1
                for line, problem in error.problems:
                    printer.complaint(f"{file}:{line}: {problem}")
                continue
            if new == old:
                same += 1
                continue
            changed += 1
            if args.diff:
                _print_diff(printer, file, old, new)
            if not args.check and not args.diff:
                _replace(file, data)
            printer.line(f"{'would format' if args.check or args.diff else 'formatted'} {file}", style="bold")
        printer.line(_summary(changed, same, wrong, would=args.check or args.diff), style="red" if wrong else "green")
        if wrong or (args.check and changed):
            sys.exit(FAILED)


def _files(names: list[str]) -> Iterator[Path]:
    """Yield the files that are named, and those of the folders that are."""
    for name in names:
        path = Path(name)
        if path.is_dir():
            # What begins with a dot, such as an environment, holds other people's files.
            yield from sorted(
                file
                for file in path.rglob("*.py")
                if not any(part.startswith(".") for part in file.relative_to(path).parts)
            )
        elif path.is_file():
            yield path
        else:
            raise ConfigurationError(f"there is no file or folder {path}: check the path")


def _read(file: Path) -> tuple[str, str]:
    """Return the text of a file with its line ends, and its encoding."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"can't read {file}: {error.strerror}") from None
    encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    return data.decode(encoding), encoding


def _replace(file: Path, data: bytes) -> None:
    """Put another content in a file's place, so that whoever reads it sees either of them whole."""
    target = file.resolve()
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        try:
            with os.fdopen(descriptor, "wb") as opened:
                opened.write(data)
            Path(name).chmod(target.stat().st_mode & 0o7777)
            Path(name).replace(target)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise ConfigurationError(f"can't write {file}: {error.strerror}") from None


def _print_diff(printer: Printer, file: Path, old: str, new: str) -> None:
    for line in difflib.unified_diff(old.splitlines(), new.splitlines(), str(file), str(file), lineterm=""):
        printer.line(line, style={"+": "green", "-": "red"}.get(line[0]))


def _line(error: Exception) -> str:
    line = getattr(error, "lineno", None)
    return f":{line}" if line else ""


def _summary(changed: int, same: int, wrong: int, *, would: bool) -> str:
    parts = [
        f"{_files_of(changed)} {'would be formatted' if would else 'formatted'}",
        f"{_files_of(same)} {'stays as it is' if same == 1 else 'stay as they are'}",
    ]
    if wrong:
        parts.append(f"{_files_of(wrong)} with faults")
    return ", ".join(parts)


def _files_of(count: int) -> str:
    return f"{count} file" if count == 1 else f"{count} files"
