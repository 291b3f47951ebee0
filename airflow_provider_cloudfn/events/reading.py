"""The task behind ``event.read()``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow.sdk import get_current_context, task

from airflow_provider_cloudfn.events.run_events import records_for
from airflow_provider_cloudfn.json_encoding import to_json_value

if TYPE_CHECKING:
    from airflow.sdk import Asset
    from airflow.sdk.definitions.xcom_arg import XComArg

__all__ = ["read_task"]


def read_records(name: str) -> Any:
    """
    Return the records of an event that started the run that is running, oldest first.

    :param name: The event's name.
    """
    return to_json_value(records_for(get_current_context(), name))


def read_task(event: Asset, task_id: str | None = None) -> XComArg:
    """
    Add the task that returns :func:`read_records` to the Dag at hand.

    :param event: A completion event, or any asset.
    :param task_id: Default ``read_`` and the event's name, every character but letters and digits as ``_``.
    """
    name = task_id or "read_" + re.sub(r"[^A-Za-z0-9]+", "_", event.name).strip("_")
    output: XComArg = task(task_id=name)(read_records)(event.name)
    return output
