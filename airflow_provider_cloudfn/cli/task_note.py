"""What is said about a step that runs as it is written, and may not do what its author means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from airflow_provider_cloudfn.authoring.task import AuthoredTask

__all__ = ["TaskNote"]


class TaskNote(Struct, frozen=True):
    """
    A note.

    :param task: The task.
    :param field: The parameter.
    :param message: What can happen, and what to write.
    """

    task: AuthoredTask
    field: str
    message: str
