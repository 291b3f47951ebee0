"""The settings that belong together and are given as one value, ``pages=Pages.cursor(…)``: what the expressions in them are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from msgspec import UNSET
from msgspec.structs import replace

from airflow_provider_cloudfn.authoring.confirm import Confirm
from airflow_provider_cloudfn.authoring.emit import SEVERAL_EVENTS, Emit, marked_events, parts_of_events
from airflow_provider_cloudfn.authoring.for_each import ForEach
from airflow_provider_cloudfn.authoring.parameter import Parameter, Reading
from airflow_provider_cloudfn.authoring.poll import Poll
from airflow_provider_cloudfn.authoring.reading import read
from airflow_provider_cloudfn.authoring.shapes import header_text, query_text, uri_text
from airflow_provider_cloudfn.authoring.wait_for import WaitFor
from airflow_provider_cloudfn.authoring.written import formulas
from airflow_provider_cloudfn.client.pages import Pages
from airflow_provider_cloudfn.events.place import MATCH_VARIABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from collections.abc import Set as AbstractSet

    from airflow_provider_cloudfn.authoring.task import AuthoredTask
    from airflow_provider_cloudfn.authoring.written import Formula

__all__ = [
    "EVENT_PARAMETERS",
    "ITEM_VARIABLES",
    "OPTIONS",
    "POLL_VARIABLES",
    "declared_by",
    "formulas_of",
    "is_of_event",
    "names_for",
    "parts_of",
    "with_marks",
    "with_parts",
    "written_parts",
]

_PAGE: Final = frozenset({"page"})
_ITEMS: Final = frozenset({"items"})
#: What is evaluated for each item can name it.
ITEM_VARIABLES: Final = frozenset({"item", "index"})
_JOB: Final = frozenset({"job"})
#: What says of a step's completion event whether there is one, and what there is to it.
EVENT_PARAMETERS: Final = ("event_payload", "emit_when", "event_key")
#: What says of a poll whether a job is done can name it, on a worker and in the triggerer.
POLL_VARIABLES: Final = frozenset({"response", "job", "inputs"})
_EVENT: Final = frozenset({"event"})
#: The parameters beside which expressions can name more than what all can.
_BRINGS_NAMES: Final = frozenset({"for_each", "pages", "poll", "wait_for"})

#: What is declared of each kind of value, as of a task's parameters.
_PARTS: Final[Mapping[type, tuple[Parameter, ...]]] = {
    Pages: (
        Parameter("next", Reading.VALUE, after_call=True, per_item=True, also=_PAGE | _ITEMS),
        Parameter("items", Reading.VALUE, after_call=True, per_item=True, also=_PAGE),
        Parameter("total", Reading.VALUE, after_call=True, per_item=True, also=_PAGE | _ITEMS),
        Parameter("stop_when", Reading.CONDITION, after_call=True, per_item=True, also=_PAGE | _ITEMS),
        Parameter("results", Reading.MARKED, jinja=True),
    ),
    ForEach: (
        Parameter("items", Reading.VALUE),
        Parameter("path", Reading.VALUE),
        Parameter("key", Reading.VALUE, per_item=True),
        Parameter("results", Reading.MARKED, jinja=True),
    ),
    Poll: (
        Parameter("done_when", Reading.CONDITION, after_call=True, also=_JOB, only=POLL_VARIABLES),
        Parameter("failed_when", Reading.CONDITION, after_call=True, also=_JOB, only=POLL_VARIABLES),
        Parameter("uri", Reading.TEXT, after_call=True, also=_JOB, answer="job"),
        Parameter("link", Reading.TEXT, after_call=True, also=_JOB, answer="job"),
        Parameter("query", Reading.PAIRS, after_call=True, also=_JOB, answer="job"),
        Parameter("headers", Reading.PAIRS, after_call=True, also=_JOB, answer="job"),
        Parameter("result", Reading.VALUE, after_call=True, also=_JOB, takes_secrets=True),
        Parameter("value", Reading.VALUE, after_call=True, also=_JOB),
        Parameter("cancel", Reading.VALUE, after_call=True, also=_JOB, takes_secrets=True, answer="job"),
    ),
    WaitFor: (Parameter("match", Reading.CONDITION, after_call=True, also=_EVENT, only=MATCH_VARIABLES),),
    # Evaluated when the question is asked, so hardly ever; and for an item, under `for_each`.
    Confirm: (
        Parameter("uri", Reading.TEXT, per_item=True, shape=uri_text),
        Parameter("query", Reading.PAIRS, per_item=True, shape=query_text),
        Parameter("headers", Reading.PAIRS, per_item=True, shape=header_text),
        Parameter("done_when", Reading.CONDITION, after_call=True, per_item=True),
        Parameter("returns", Reading.VALUE, after_call=True, per_item=True),
    ),
}

#: The values that can have expressions in their parts.
OPTIONS: Final[tuple[type, ...]] = (*_PARTS, Emit)


def parts_of(name: str, value: Any) -> Iterable[tuple[Parameter, Any]]:
    """
    Return what is declared of the parts of a value, each named such as ``pages.items``, and what is written there.

    :param value: Its value; most have no parts.
    """
    if name == SEVERAL_EVENTS:
        return parts_of_events(value)
    return _parts_of_option(name, value) if type(value) in _PARTS else ()


def written_parts(parameter: Parameter, values: Iterable[Any]) -> Iterator[tuple[Parameter, Any]]:
    """Yield the values of a parameter that can hold expressions, and after each the parts that it has."""
    for value in values:
        if value is None:
            continue
        if parameter.reading is not None:
            yield parameter, value
        for part, written in parts_of(parameter.name, value):
            if part.reading is not None and written is not None:
                yield part, written


def formulas_of(task: AuthoredTask) -> Iterator[tuple[Parameter, Formula]]:
    """Yield the expressions of a task as its Dag file has them, those in the parts of its options among them."""
    for parameter in task.parameters:
        for declared, value in written_parts(parameter, task.written(parameter.name)):
            for formula in formulas(read(declared, value)):
                yield declared, formula


def _parts_of_option(name: str, value: Any) -> Iterator[tuple[Parameter, Any]]:
    for part in _PARTS[type(value)]:
        written = getattr(value, part.name)
        yield replace(part, name=f"{name}.{part.name}"), None if written is UNSET else written


def declared_by(task: Any) -> Iterator[tuple[Parameter, Any, frozenset[str]]]:
    """
    Yield the parameters of an operator that can hold expressions, and their parts.

    :returns: What is declared, what is written, and what expressions there can name besides what all can.
    """
    written = [(parameter, getattr(task, parameter.name, None)) for parameter in task.authored_parameters]
    given = frozenset(parameter.name for parameter, value in written if value is not None)
    for parameter, value in written:
        for declared, part in ((parameter, value), *parts_of(parameter.name, value)):
            if declared.reading is not None and part is not None:
                yield declared, part, names_for(declared, given)


def with_parts(value: Any, rendered: Callable[[Parameter, Any], Any], name: str) -> Any:
    """Return a value whose parts are rendered that are evaluated before the call, once."""
    changes = {
        part.name.rpartition(".")[2]: rendered(part, written)
        for part, written in parts_of(name, value)
        if not part.after_call and not part.per_item and written is not None
    }
    return replace(value, **changes) if changes else value


def with_marks(value: Any, marked: Callable[[Parameter, Any], Any], name: str) -> Any:
    """
    Return a value in whose parts is marked what is data.

    :param value: The value; one that has no parts is returned as it is.
    :param marked: Marks a part, or returns it as it is.
    """
    if name == SEVERAL_EVENTS and isinstance(value, Mapping):
        return marked_events(value, marked)
    changes = {
        part.name.rpartition(".")[2]: new
        for part, written in parts_of(name, value)
        if written is not None and (new := marked(part, written)) is not written
    }
    return replace(value, **changes) if changes else value


def names_for(parameter: Parameter, given: AbstractSet[str]) -> frozenset[str]:
    """Return what the expressions of a parameter can name besides what all can."""
    names = parameter.also
    if given.isdisjoint(_BRINGS_NAMES):
        return names
    of_event = is_of_event(parameter)
    if parameter.per_item and "for_each" in given:
        names |= ITEM_VARIABLES
    if (of_event or parameter.name == "returns") and "pages" in given:
        names |= _ITEMS | {"pages"}
    if (of_event or parameter.name in ("returns", "success_when")) and "poll" in given:
        names |= _JOB
    if (of_event or parameter.name == "returns") and "wait_for" in given:
        names |= _EVENT
    if of_event and "for_each" in given:
        names |= {"summary", "results"}
    return names


def is_of_event(parameter: Parameter) -> bool:
    """Return whether a parameter, or a part of one, says something of a step's completion events."""
    return parameter.name in EVENT_PARAMETERS or parameter.name.startswith(SEVERAL_EVENTS)
