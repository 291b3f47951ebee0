"""Writes files for the eyes of whoever runs a command alone: what stands in them may be secret."""

from __future__ import annotations

import os
from pathlib import Path

from airflow_provider_cloudfn.exceptions import ConfigurationError

__all__ = ["write_private_file"]


def write_private_file(option: str, name: str, text: str, *, replacing: bool = False) -> None:
    """
    Write a file that nobody but its owner can read.

    :param option: The option that named it, for messages.
    :param name: Its path.
    :param text: What stands in it.
    :param replacing: Whether a file that is there is replaced; otherwise it stays as it is, and is an error.
    :raises ConfigurationError: when it can't be written.
    """
    try:
        if replacing:
            Path(name).unlink(missing_ok=True)
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError:
        raise ConfigurationError(f"{option}: {name} is there already: name another file") from None
    except OSError as error:
        raise ConfigurationError(f"{option}: can't write {name}: {error.strerror}") from None
