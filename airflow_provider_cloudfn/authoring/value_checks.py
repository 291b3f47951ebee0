"""What is wrong with a value that is written for a parameter: the checks that parameters are declared with."""

from __future__ import annotations

import datetime as dt
from typing import Any

from airflow.sdk import Asset

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.client.request import METHODS
from airflow_provider_cloudfn.exceptions import ConfigurationError

__all__ = [
    "event_problem",
    "method_problem",
    "payload_problem",
    "seconds",
    "seconds_problem",
    "time_limit_problem",
]


def method_problem(value: Any) -> str | None:
    """
    Say what is wrong with a method.

    :param value: What was given as one.
    """
    if value in METHODS:
        return None
    meant = value.strip().upper() if isinstance(value, str) else ""
    return f"{value!r} is none of {', '.join(METHODS)}" + (f": write {meant!r}" if meant in METHODS else "")


def seconds_problem(value: Any) -> str | None:
    """
    Say what is wrong with a time span.

    :param value: What was given as one.
    """
    span = value.total_seconds() if isinstance(value, dt.timedelta) else value
    if isinstance(span, bool) or not isinstance(span, (int, float)) or not 0 < span < float("inf"):
        return f"must be seconds above 0, or a timedelta, not {value!r}"
    return None


def time_limit_problem(value: Any) -> str | None:
    """
    Say what is wrong with a time limit, for which None is the connection's.

    :param value: What was given as one.
    """
    return None if value is None else seconds_problem(value)


def seconds(parameter: str, value: Any) -> float:
    """
    Return a time span in seconds.

    :param parameter: The parameter's name.
    :param value: Seconds or a timedelta.
    :raises ConfigurationError: for what is none.
    """
    if (problem := seconds_problem(value)) is not None:
        raise ConfigurationError(f"{parameter}: {problem}")
    return float(value.total_seconds() if isinstance(value, dt.timedelta) else value)


def event_problem(event: Any) -> str | None:
    """
    Say what is wrong with a completion event.

    :param event: What was given as one.
    """
    if event is None or isinstance(event, Asset):
        return None
    return (
        f"must be a CompletionEvent or an Asset, not {type(event).__name__}: "
        'write completion_event=CompletionEvent("charge.created")'
    )


def payload_problem(value: Any) -> str | None:
    """
    Say what is wrong with a payload that is text: nobody can tell which of three things it means.

    :param value: What was given as payload.
    """
    if not isinstance(value, (str, cel.Literal)):
        return None
    return (
        "is text. If it is JSON, pass it as json_string; if it is a CEL expression, mark it with cel(…); if the payload is this "
        "very text, put it in an object, such as {'text': …}"
    )
