"""The outlets of an operator: the completion events that it declares are among them, as Airflow wants to be told of them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.authoring.emit import SEVERAL_EVENTS, event_name
from airflow_provider_cloudfn.authoring.signature import parameters_of
from airflow_provider_cloudfn.events.asset import CompletionEvent, listed, with_asset

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator

__all__ = ["as_event", "event_among", "mapped_event_arguments", "with_events", "without_event"]


def mapped_event_arguments(operator: type[BaseOperator], given: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return the arguments of a mapped task that tell Airflow of its completion events.

    Airflow serializes the outlets that were written, not what `__init__` would make of them: the event would be lost.

    :param operator: The operator's class, which can have an event as a default.
    :param given: What all instances of the task are given.
    """
    event = given.get("completion_event", _default(operator, "completion_event"))
    several = given.get(SEVERAL_EVENTS, _default(operator, SEVERAL_EVENTS))
    outlets = given.get("outlets")
    if event is None:
        event = event_among(outlets, several)
    declared = {name: value for name, value in (("completion_event", event), (SEVERAL_EVENTS, several)) if value}
    return {"outlets": with_events(outlets, event, several), **declared} if declared else {}


def _default(operator: type[BaseOperator], name: str) -> Any:
    """Return the completion event, or events, that a class of a user's own has as a default."""
    parameter = parameters_of(operator.__init__).get(name)
    return None if parameter is None or parameter.default is inspect.Parameter.empty else parameter.default


def as_event(event: Any) -> Any:
    """
    Return an event of ``completion_events``; a name becomes one that is merged with others.

    :param event: The event, or its name. What is neither is returned as it is: the rules refuse it.
    """
    return CompletionEvent(event) if isinstance(event, str) else event


def with_events(outlets: Any, event: Any, several: Any) -> list[Any]:
    """
    Return the outlets with all events of a step among them.

    :param event: What was given as ``completion_event``, or None.
    :param several: What was given as ``completion_events``, or None.
    """
    found = with_asset(outlets, event)
    for one in several if isinstance(several, Mapping) else ():
        # A name that no asset can have is an error here, as in CompletionEvent(…) itself.
        found = with_asset(found, as_event(one))
    return found


def event_among(outlets: Any, several: Any = None) -> CompletionEvent | None:
    """
    Return the one completion event among the outlets: a cloud function that has it there emits its record.

    :param several: What was given as ``completion_events``: these are not meant.
    """
    declared = {event_name(event) for event in several} if isinstance(several, Mapping) else ()
    events = [one for one in listed(outlets) if isinstance(one, CompletionEvent) and one.name not in declared]
    return events[0] if len(events) == 1 else None


def without_event(outlets: Any, event: Any) -> list[Any]:
    """Return the outlets without an event: Airflow registers an asset event for each that is left there."""
    return [outlet for outlet in listed(outlets) if outlet != event]
