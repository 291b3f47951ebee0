"""How long a task waits for its turn on a worker, before it is the next try that goes on."""

from __future__ import annotations

from typing import Final

from airflow.sdk import conf
from airflow.sdk.exceptions import AirflowConfigException

from airflow_provider_cloudfn.exceptions import ConfigurationError

__all__ = ["longest_wait_on_worker"]

_OPTION: Final = "longest_wait_on_worker"
_DEFAULT: Final = 60.0
_DAY: Final = 86_400.0


def longest_wait_on_worker() -> float:
    """
    Return the seconds of ``[cloudfn] longest_wait_on_worker``.

    :raises ConfigurationError: for what are no seconds from 0 to a day.
    """
    try:
        found = float(conf.getfloat("cloudfn", _OPTION, fallback=_DEFAULT))
    except (AirflowConfigException, ValueError):
        found = -1.0
    if not 0 <= found <= _DAY:
        given = conf.get("cloudfn", _OPTION, fallback="")
        raise ConfigurationError(f"[cloudfn] {_OPTION}: must be seconds from 0 to {_DAY:,.0f}, not {given!r}")
    return found
