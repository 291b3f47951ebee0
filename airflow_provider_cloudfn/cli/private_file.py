"""Writes files for the eyes of whoever runs a command alone: what stands in them may be secret."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["private_file", "write_private_file"]


def write_private_file(option: str, name: str, text: str, *, replacing: bool = False) -> None:
    """
    Write a file that nobody but its owner can read.

    :param option: The option that named it, for messages.
    :param name: Its path.
    :param text: What stands in it.
    :param replacing: Whether a file that is there is replaced; otherwise it stays as it is, and is an error.
    :raises ConfigurationError: when it can't be written.
    """
    with private_file(option, name, replacing=replacing) as opened:
        opened.write(text)


@contextmanager
def private_file(option: str, name: str, *, replacing: bool = False) -> Iterator[IO[str]]:
    """
    Make such a file at once, before that happens which it is for; where that fails, there is no file.

    :param option: The option that named it, for messages.
    :param name: Its path.
    :param replacing: Whether a file that is there is replaced; otherwise it stays as it is, and is an error.
    :raises ConfigurationError: when it can't be written.
    """
    try:
        if replacing:
            Path(name).unlink(missing_ok=True)
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ConfigurationError(f"{option}: {name} is there already: name another file") from None
    except OSError as error:
        raise ConfigurationError(f"{option}: can't write {name}: {error.strerror}") from None
    try:
        # Half a character is an escape of JSON then.
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as opened:
            yield opened
    except BaseException as error:
        Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise ConfigurationError(f"{option}: can't write {name}: {error.strerror}") from None
        raise
