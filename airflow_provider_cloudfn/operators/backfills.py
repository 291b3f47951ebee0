"""Whether the completion events of a backfill's runs are asset events, and so start other Dags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from airflow.sdk import conf

from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

__all__ = ["events_in_backfills", "is_silent"]

_SILENT: Final = "silent"
_CHOICES: Final = ("emit", _SILENT)


def is_silent(context: Context) -> bool:
    """
    Tell whether a run emits no asset events: one of a backfill, unless ``[cloudfn] events_in_backfills`` is ``emit``.

    :param context: The task's Airflow context.
    :raises ConfigurationError: in a run of a backfill, where the option is neither of its values.
    """
    if getattr(context.get("dag_run"), "run_type", None) != "backfill":
        return False
    return events_in_backfills() == _SILENT


def events_in_backfills() -> str:
    """
    Return what ``[cloudfn] events_in_backfills`` says: ``emit`` or ``silent``.

    :raises ConfigurationError: where it says neither.
    """
    chosen = conf.get("cloudfn", "events_in_backfills", fallback=_SILENT).strip().lower()
    if chosen not in _CHOICES:
        raise ConfigurationError(f"[cloudfn] events_in_backfills: must be {' or '.join(_CHOICES)}, not {chosen!r}")
    return str(chosen)
