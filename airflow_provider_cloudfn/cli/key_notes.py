"""
Mapped steps whose keys are wrong for one of their instances.

Where a key follows the map index, what stands there can be something else when the list comes again; and where it is the same
for all, a service carries out the first one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn.authoring import language
from airflow_provider_cloudfn.authoring.options import formulas_of
from airflow_provider_cloudfn.authoring.reading import is_expression, read
from airflow_provider_cloudfn.authoring.vocabulary import VARIABLES
from airflow_provider_cloudfn.authoring.written import formulas
from airflow_provider_cloudfn.cli.task_note import TaskNote
from airflow_provider_cloudfn.client.retry import idempotency_key_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_provider_cloudfn.authoring.parameter import Parameter
    from airflow_provider_cloudfn.authoring.task import AuthoredTask

__all__ = ["key_notes"]

#: The parameters that say what stands for the map index, each with what it makes stable and an example.
_NAMED_BY: Final = {
    "idempotency_key": ("the idempotency key", 'idempotency_key=cel("inputs.id")'),
    "id_from": ("the event's id", 'id_from=cel("inputs.id")'),
}

_FOLLOWS_THE_PLACE: Final = (
    "{what} follows the place in the list that the step is mapped over: where that list comes in another order, as after a Clear "
    "of the step that returns it, the key stands for something else; name what the call is about, as in {example}"
)

_IS_SHARED: Final = (
    "{name!r} is the same for every instance of the mapped step: a service takes them for one request, and carries out the first "
    'alone; write run.idempotency_key there, or idempotency_key=cel("inputs.id")'
)
#: What differs between the instances of a mapped step.
_OF_AN_INSTANCE: Final = frozenset({("inputs",), ("steps",), ("item",), ("index",)})
_OF_ITS_RUN: Final = frozenset({("run", "idempotency_key"), ("run", "map_index")})


def key_notes(tasks: Iterable[AuthoredTask]) -> Iterator[TaskNote]:
    """
    Yield the mapped steps whose keys follow the place in a list that another step returns, or are the same for all of it.

    :param tasks: Tasks of ours.
    """
    for task in tasks:
        if (name := _shared_header(task)) is not None:
            yield TaskNote(task, "headers", _IS_SHARED.format(name=name))
        if not task.is_mapped_over_steps:
            continue
        for name, (what, example) in _NAMED_BY.items():
            if any(parameter.name == name for parameter in task.parameters) and _follows_the_place(task, name):
                yield TaskNote(task, name, _FOLLOWS_THE_PLACE.format(what=what, example=example))


def _follows_the_place(task: AuthoredTask, name: str) -> bool:
    written = [value for value in task.written(name) if value is not None]
    if any(is_expression(value) for value in written):
        return False
    if name == "id_from":
        # Of rows that a step returns nobody knows by now whether they have it.
        return not written and bool(task.expanded_over_steps) and name not in task.expanded
    # An item of a batch has a key of its own, made of what it is.
    is_batch = any("for_each" in given for given in task.given)
    return not is_batch and (any(written) or _reads_key(task))


def _reads_key(task: AuthoredTask) -> bool:
    return any(
        reference.path[:2] == ("run", "idempotency_key")
        for _, formula in formulas_of(task)
        for reference in language.check(formula.source, variables=VARIABLES).references
    )


def _paths(declared: Parameter, value: Any) -> Iterator[tuple[str, ...]]:
    """Yield what a parameter's value reads."""
    for formula in formulas(read(declared, value)):
        for reference in language.check(formula.source, variables=VARIABLES).references:
            yield reference.path


def _shared_header(task: AuthoredTask) -> str | None:
    """Return the header with an idempotency key that nothing of an instance goes into, or None."""
    if (
        not (task.is_mapped or task.mapped_groups)
        or "headers" in task.expanded
        or any("for_each" in one for one in task.given)
    ):
        return None
    for parameter in task.parameters:
        for value in task.written("headers") if parameter.name == "headers" else ():
            for name, written in value.items() if isinstance(value, dict) else ():
                if idempotency_key_in({name: "x"}) is None or not isinstance(written, str):
                    continue
                paths = [*_paths(parameter, {name: written})]
                if not any(
                    path[:1] in _OF_AN_INSTANCE or path[:2] in _OF_ITS_RUN or path == ("run",) for path in paths
                ):
                    return str(name)
    return None
