"""How long a task waits for its turn on a worker, before it is the next try that goes on."""

from __future__ import annotations

from typing import Final

from airflow_provider_cloudfn.configuration import options

__all__ = ["longest_wait_on_worker"]

_DEFAULT: Final = 60.0
_DAY: Final = 86_400.0


def longest_wait_on_worker() -> float:
    """
    Return the seconds of ``[cloudfn] longest_wait_on_worker``.

    :raises ConfigurationError: for what are no seconds from 0 to a day.
    """
    return options.seconds("longest_wait_on_worker", _DEFAULT, most=_DAY)
