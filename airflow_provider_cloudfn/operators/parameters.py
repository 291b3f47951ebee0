"""Parameters that hold no expression: what is wrong with a value of theirs, as the Dag's parser and the worker say it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from airflow.sdk import Asset

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.client.request import METHODS
from airflow_provider_cloudfn.exceptions import ConfigurationError

__all__ = [
    "EVENT_IS_EXPANDED",
    "NO_TEMPLATE_FIELD",
    "ParameterChecks",
    "event_problem",
    "exclusive_problem",
    "method_problem",
    "payload_problem",
    "seconds",
    "seconds_problem",
    "time_limit_problem",
]

#: What says what is wrong with a parameter's value, None where nothing is, by the parameter's name.
ParameterChecks: TypeAlias = Mapping[str, Callable[[Any], str | None]]

#: Airflow registers the producers of an asset before any instance is there.
EVENT_IS_EXPANDED: Final = "completion_event: it can't be expanded; give it to partial()"

#: A value from another step is there only in the parameters that Airflow renders.
NO_TEMPLATE_FIELD: Final = (
    "can't come from another step, because it is no template field: write it in the Dag file, or expand() over the step"
)


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


def exclusive_problem(one: str, other: str) -> str:
    """
    Say that two parameters are given of which one can be.

    :param one: A parameter.
    :param other: The other one.
    """
    return f"{one} and {other}: give one of them, they are two ways to say the same"
