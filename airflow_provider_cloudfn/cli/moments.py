"""Times that are typed on a command line."""

from __future__ import annotations

import datetime as dt

from airflow_provider_cloudfn.exceptions import ConfigurationError

__all__ = ["since"]


def since(written: str | None) -> dt.datetime | None:
    """
    Return the time of ``--since``, in UTC where it names no zone; None where it was not given.

    :param written: A date, or a date and a time, as ISO 8601 has them.
    :raises ConfigurationError: for what is none.
    """
    if written is None:
        return None
    try:
        moment = dt.datetime.fromisoformat(written)
    except ValueError:
        raise ConfigurationError(
            f"--since: {written!r} is no time: write such as 2026-01-31 or 2026-01-31T12:00:00Z"
        ) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)
