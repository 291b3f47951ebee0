"""``completion_events=``: the events that one step emits, and what says of each whether it is emitted and what it carries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from airflow_provider_cloudfn.authoring.parameter import Parameter, Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["SEVERAL_EVENTS", "Emit", "emit_of", "event_name", "label_of", "marked_events", "parts_of_events"]

#: The parameter.
SEVERAL_EVENTS: Final = "completion_events"


class Emit(Struct, frozen=True, repr_omit_defaults=True):
    """
    What one of several events of a step is, beside its name.

    :param payload: What it carries, as ``event_payload`` says it. Default: what the step returns.
    :param when: CEL: whether it is emitted, as ``emit_when``. Default: always.
    :param key: CEL: its partition key, as ``event_key``. Default: the event's id.
    """

    payload: Any = None
    when: Any = None
    key: Any = None


#: What is declared of each event's parts.
_PARTS: Final = (
    Parameter("payload", Reading.DOCUMENT, after_call=True),
    Parameter("when", Reading.CONDITION, after_call=True),
    Parameter("key", Reading.VALUE, after_call=True),
)


def event_name(event: Any) -> str:
    """Return the name of an event among ``completion_events``."""
    return event if isinstance(event, str) else str(getattr(event, "name", event))


def emit_of(written: Any) -> Emit:
    """Return what is written for an event among ``completion_events``."""
    return written if isinstance(written, Emit) else Emit(written)


def label_of(event: Any, part: str) -> str:
    """
    Return how messages name a part of an event.

    :param part: ``payload``, ``when`` or ``key``.
    """
    place = f'{SEVERAL_EVENTS}["{event_name(event)}"]'
    return place if part == "payload" else f"{place}.{part}"


def parts_of_events(events: Any) -> Iterator[tuple[Parameter, Any]]:
    """Yield what is declared of the parts of several events, and what is written there."""
    for event, written in events.items() if isinstance(events, Mapping) else ():
        emit = emit_of(written)
        for part in _PARTS:
            declared = Parameter(label_of(event, part.name), part.reading, after_call=True)
            yield declared, getattr(emit, part.name)


def marked_events(events: Mapping[Any, Any], marked: Callable[[Parameter, Any], Any]) -> Mapping[Any, Any]:
    """
    Return several events in whose parts is marked what is data; the same where nothing is.

    :param marked: Marks a part, or returns it as it is.
    """
    changed = False
    found: dict[Any, Any] = {}
    for event, written in events.items():
        emit = emit_of(written)
        parts = {
            part.name: marked(Parameter(label_of(event, part.name), part.reading, after_call=True), value)
            for part in _PARTS
            if (value := getattr(emit, part.name)) is not None
        }
        changed = changed or any(new is not getattr(emit, name) for name, new in parts.items())
        found[event] = Emit(**parts)
    return found if changed else events
