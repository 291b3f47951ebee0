"""What Airflow's masker knows to be secret."""

from __future__ import annotations

from typing import Any

__all__ = ["masked"]


def masked(value: Any, name: str | None = None) -> Any:
    """
    Return a value as Airflow shows it, with ``***`` for registered secrets, and for what its name says is one.

    :raises ImportError: for an Airflow that can't say what is secret: then nothing may be shown.
    """
    from airflow.sdk import log

    redact: Any = log.redact  # type: ignore[attr-defined]  # re-exported without saying so
    return redact(value, name=name)
