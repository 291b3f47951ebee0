"""What is wrong with a value that is written for a parameter: the checks that parameters are declared with."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, get_args

from airflow.sdk import Asset

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.auth.header_fields import is_token
from airflow_provider_cloudfn.client.pages import Pages
from airflow_provider_cloudfn.client.query import ListStyle
from airflow_provider_cloudfn.client.request import METHODS
from airflow_provider_cloudfn.events.asset import CompletionEvent
from airflow_provider_cloudfn.exceptions import ConfigurationError, in_words

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "connection_id_problem",
    "count_problem",
    "event_problem",
    "events_problem",
    "files_problem",
    "key_problem",
    "list_style_problem",
    "method_problem",
    "of_text",
    "own_event_problem",
    "pages_problem",
    "payload_problem",
    "seconds",
    "seconds_problem",
    "since_problem",
    "time_limit_problem",
]


#: Seconds: more can't be waited for, and some of Python's clocks can't count it.
_LONGEST: Final = 10**9


def method_problem(value: Any) -> str | None:
    """Say what is wrong with a method."""
    if value in METHODS:
        return None
    meant = value.strip(" \"'").upper() if isinstance(value, str) else ""
    return f"{value!r} is none of {', '.join(METHODS)}" + (f": write {meant!r}" if meant in METHODS else "")


def connection_id_problem(value: Any) -> str | None:
    """Say what is wrong with the id of a connection."""
    if not isinstance(value, str) or not value.strip():
        return f"must be the id of a connection, such as 'shop', not {value!r}"
    if len(value) > 2 and value[0] in "'\"" and value[0] == value[-1]:
        return f"is text without quotes of its own: write {value[1:-1]!r}"
    if "://" in value:
        return "is a URL: make a connection with it as base URL, with airflow connections add, and write the connection's id"
    return None


def count_problem(value: Any) -> str | None:
    """Say what is wrong with a number of failures, which can be none."""
    return None if type(value) is int and value >= 0 else f"must be a whole number from 0, not {value!r}"


def list_style_problem(value: Any) -> str | None:
    """Say what is wrong with a style of lists."""
    return None if value in get_args(ListStyle) else f"{value!r} is none of {', '.join(get_args(ListStyle))}"


def files_problem(value: Any) -> str | None:
    """Say what is wrong with the files of a form."""
    is_map = value is None or isinstance(value, (Mapping, cel.Expression))
    return None if is_map else f"must be a map of paths, not {in_words(value)}"


def seconds_problem(value: Any) -> str | None:
    """Say what is wrong with a time span."""
    span = value.total_seconds() if isinstance(value, dt.timedelta) else value
    if isinstance(span, bool) or not isinstance(span, (int, float)) or not 0 < span < float("inf"):
        return f"must be seconds above 0, or a timedelta, not {value!r}"
    if span > _LONGEST:
        return f"must be at most {_LONGEST:,} seconds, which are thirty years, not {value!r}"
    return None


def time_limit_problem(value: Any) -> str | None:
    """Say what is wrong with a time limit, for which None is the connection's."""
    return None if value is None else seconds_problem(value)


def since_problem(value: Any) -> str | None:
    """
    Say what is wrong with what says since when something counts, for which None is since the run began.

    :param value: A moment, or what was given as a time span.
    """
    if not isinstance(value, dt.datetime):
        return time_limit_problem(value)
    if value.tzinfo is not None:
        return None
    return f"{value!r} has no time zone: write it with one, such as tzinfo=datetime.UTC"


def seconds(parameter: str, value: Any) -> float:
    """
    Return a time span in seconds.

    :param value: Seconds or a timedelta.
    :raises ConfigurationError: for what is none.
    """
    if (problem := seconds_problem(value)) is not None:
        raise ConfigurationError(f"{parameter}: {problem}")
    return float(value.total_seconds() if isinstance(value, dt.timedelta) else value)


def event_problem(event: Any) -> str | None:
    """Say what is wrong with a completion event."""
    if event is None or isinstance(event, Asset):
        return None
    return f'must be a CompletionEvent or an Asset, not {type(event).__name__}: write CompletionEvent("charge.created")'


def own_event_problem(event: Any) -> str | None:
    """Say what is wrong with the one completion event of a step."""
    if isinstance(event, (list, tuple, set, Mapping)):
        return (
            f"is one event, not {type(event).__name__}: several events of a step are a dict of what each carries, "
            "completion_events={\"order.paid\": 'response.body.id'}"
        )
    return event_problem(event)


def events_problem(events: Any) -> str | None:
    """Say what is wrong with several completion events."""
    if events is None:
        return None
    if not isinstance(events, Mapping):
        return (
            f"must be a dict of events and what they carry, not {type(events).__name__}: write "
            "completion_events={\"order.paid\": 'response.body.id'}"
        )
    for event in events:
        if isinstance(event, str):
            # The rule for names is that of the event.
            try:
                CompletionEvent(event)
            except ConfigurationError as error:
                return str(error)
        elif (problem := event_problem(event)) is not None:
            return f"an event {problem}"
    return None


def key_problem(value: Any) -> str | None:
    """Say what is wrong with an idempotency key."""
    if isinstance(value, (bool, cel.Expression)):
        return None
    name = value.text if isinstance(value, cel.Literal) else value
    if isinstance(name, str) and name:
        return None if is_token(name) else f'{name!r} is no name of a header; what the key follows is cel("inputs.id")'
    return f'must be True, False or a header\'s name, not {value!r}; or an expression, such as cel("inputs.id")'


def pages_problem(value: Any) -> str | None:
    """Say what is wrong with ``pages``."""
    if value is None:
        return None
    if isinstance(value, Pages):
        problem = time_limit_problem(value.timeout)
        return None if problem is None else f"timeout {problem}"
    return (
        f'must be one of the ways of Pages, such as Pages.next_link("response.body.next"), not {type(value).__name__}'
    )


def of_text(problem: Callable[[str], str | None]) -> Callable[[Any], str | None]:
    """
    Return a check of what is written as plain text; a template or an expression has its value at run time only.

    :param problem: Says what is wrong with a text, None where nothing is.
    """

    def check(value: Any) -> str | None:
        if isinstance(value, cel.Literal):
            return problem(value.text)
        return problem(value) if isinstance(value, str) and value and "{" not in value else None

    return check


def payload_problem(value: Any) -> str | None:
    """Say what is wrong with a payload that is text: nobody can tell which of three things it means."""
    if not isinstance(value, (str, cel.Literal)):
        return None
    return (
        "is text. If it is JSON, pass it as json_string; if it is a CEL expression, mark it with cel(…); if the payload is this "
        "very text, put it in an object, such as {'text': …}"
    )
