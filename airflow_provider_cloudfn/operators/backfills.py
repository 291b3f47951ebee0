"""Whether the completion events of a backfill's runs are asset events, and so start other Dags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from airflow_provider_cloudfn.configuration import options

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

__all__ = ["events_in_backfills", "is_silent"]

_SILENT: Final = "silent"


def is_silent(context: Context) -> bool:
    """
    Tell whether a run emits no asset events: one of a backfill, unless ``[cloudfn] events_in_backfills`` is ``emit``.

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
    return options.choice("events_in_backfills", (_SILENT, "emit"))
