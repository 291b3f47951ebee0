"""Credentials that stand in a Dag file, where everybody reads them who sees the Dag, and who sees what a step has sent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal

from airflow_provider_cloudfn.auth.credential_names import (
    is_secret_name,
    is_secret_path,
    is_secret_value,
    query_secrets,
)
from airflow_provider_cloudfn.authoring import language
from airflow_provider_cloudfn.authoring.reading import read
from airflow_provider_cloudfn.authoring.vocabulary import VARIABLES
from airflow_provider_cloudfn.authoring.written import Formula, Plain, WrittenList, WrittenMap
from airflow_provider_cloudfn.cli.task_note import TaskNote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_provider_cloudfn.authoring.task import AuthoredTask
    from airflow_provider_cloudfn.authoring.written import Written

__all__ = ["credential_notes"]

Place = Literal["header", "query", "body"]

_PLACES: Final[dict[str, Place]] = {"uri": "query", "query": "query", "headers": "header", "body": "body"}
_STANDS_THERE: Final = (
    "what stands there looks like a credential, and everybody reads it who sees the Dag: let the connection authenticate, or put "
    "it in secret_values there, and write secret({name!r}) {here}"
)
#: A text in an expression.
_LITERAL: Final = re.compile(r"""("|')((?:\\.|(?!\1).)*)\1""", re.DOTALL)


def credential_notes(tasks: Iterable[AuthoredTask]) -> Iterator[TaskNote]:
    """
    Yield the parameters in which a credential stands, by its name or by its form.

    :param tasks: Tasks of ours.
    """
    for task in tasks:
        for parameter in task.parameters:
            place = _PLACES.get(parameter.name)
            for value in task.written(parameter.name) if place is not None else ():
                if value is None or place is None:
                    continue
                here = "in query" if parameter.name == "uri" else "here"
                for field, name in _credentials(read(parameter, value), parameter.name, place):
                    secret = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_").lower() or "token"
                    yield TaskNote(task, field, _STANDS_THERE.format(name=secret, here=here))


def _credentials(node: Written, field: str, place: Place) -> Iterator[tuple[str, str]]:
    """Yield where a credential stands, and what it is called there."""
    if isinstance(node, WrittenMap):
        for key, value in node.pairs:
            name = next(iter(_texts(key)), "")
            inner = f'{field}["{name}"]'
            if is_secret_name(name, place) and any(_texts(value)) and _is_constant(value):
                yield inner, name
            else:
                yield from _credentials(value, inner, place)
    elif isinstance(node, WrittenList):
        for item in node.nodes:
            yield from _credentials(item, field, place)
    elif any(is_secret_value(text) or (field == "uri" and _is_secret_uri(text)) for text in _texts(node)):
        yield field, "token"


def _is_secret_uri(text: str) -> bool:
    return bool(query_secrets(text)) or is_secret_path(text.partition("?")[0])


def _texts(node: Written) -> list[str]:
    """Return the texts that are written in a node, or in the elements of a list."""
    if isinstance(node, WrittenList):
        return [text for item in node.nodes for text in _texts(item)]
    if isinstance(node, Formula):
        return [found[2] for found in _LITERAL.finditer(node.source)]
    value: Any = node.value if isinstance(node, Plain) else None
    return [value] if isinstance(value, str) else []


def _is_constant(node: Written) -> bool:
    if isinstance(node, WrittenList):
        return all(map(_is_constant, node.nodes))
    return not isinstance(node, Formula) or not language.check(node.source, variables=VARIABLES).references
