"""Mapped steps whose keys follow the map index: what stands there can be something else when the list comes again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from airflow_provider_cloudfn.authoring import language
from airflow_provider_cloudfn.authoring.options import parts_of
from airflow_provider_cloudfn.authoring.reading import is_expression, read
from airflow_provider_cloudfn.authoring.vocabulary import VARIABLES
from airflow_provider_cloudfn.authoring.written import formulas

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_provider_cloudfn.authoring.task import AuthoredTask

__all__ = ["KeyNote", "key_notes"]

#: The parameters that say what stands for the map index, each with what it makes stable and an example.
_NAMED_BY: Final = {
    "idempotency_key": ("the idempotency key", 'idempotency_key=cel("inputs.id")'),
    "id_from": ("the event's id", 'id_from=cel("inputs.id")'),
}

_FOLLOWS_THE_PLACE: Final = (
    "{what} follows the place in the list that the step is mapped over: where that list comes in another order, as after a Clear "
    "of the step that returns it, the key stands for something else; name what the call is about, as in {example}"
)


class KeyNote(Struct, frozen=True):
    """
    A key that can stand for something else on the next try.

    :param task: The mapped task.
    :param field: The parameter.
    :param message: What can happen, and what to write.
    """

    task: AuthoredTask
    field: str
    message: str


def key_notes(tasks: Iterable[AuthoredTask]) -> Iterator[KeyNote]:
    """
    Yield the mapped steps whose keys follow the place in a list that another step returns.

    :param tasks: Tasks of ours.
    """
    for task in tasks:
        if not task.is_mapped_over_steps:
            continue
        for name, (what, example) in _NAMED_BY.items():
            if any(parameter.name == name for parameter in task.parameters) and _follows_the_place(task, name):
                yield KeyNote(task, name, _FOLLOWS_THE_PLACE.format(what=what, example=example))


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
        for parameter in task.parameters
        for value in task.written(parameter.name)
        for declared, part in ((parameter, value), *parts_of(parameter.name, value))
        if declared.reading is not None and part is not None
        for formula in formulas(read(declared, part))
        for reference in language.check(formula.source, variables=VARIABLES).references
    )
