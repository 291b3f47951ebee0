"""What is wrong with a value in a parameter that takes no expression, at any depth of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.authoring.jinja import jinja_at
from airflow_provider_cloudfn.authoring.quotes import reads_something
from airflow_provider_cloudfn.authoring.shown_objects import shown_object
from airflow_provider_cloudfn.authoring.vocabulary import DECLARED

__all__ = ["template_problem", "untemplated_problem"]

_NO_EXPRESSION: Final = "no expression stands here, but Jinja, such as '{{ params.order_id }}'"
_AS_TEXT: Final = "write what is sent as text in request_params, where Jinja works, with Content-Type among the headers"
_DEEPEST: Final = 100


def template_problem(value: Any) -> str | None:
    """
    Say what is wrong with text that is run through Jinja, and is no expression.

    :param value: What is written, text or a map or a list with text in it.
    """
    return next((message for part in _parts(value) if (message := _problem(part)) is not None), None)


def untemplated_problem(value: Any) -> str | None:
    """Say what is wrong with what is sent as it stands: no expression, and no Jinja."""
    for part in _parts(value):
        if isinstance(part, cel.Expression):
            return f"{part!r}: no expression is evaluated here, and no Jinja rendered: {_AS_TEXT}"
        if isinstance(part, cel.Literal):
            return _marked_text(part)
        if isinstance(part, str) and jinja_at(part) is not None:
            return f"Jinja is not rendered here, and would be sent as it stands: {_AS_TEXT}"
    return None


def _problem(part: Any) -> str | None:
    if isinstance(part, cel.Expression):
        return f"{part!r}: {_NO_EXPRESSION}"
    if isinstance(part, cel.Literal):
        return _marked_text(part)
    if not isinstance(part, str):
        return None
    if (shown := shown_object(part)) is not None:
        return shown[1]
    if reads_something(part, DECLARED):
        return f"{part!r} reads as an expression, and would be sent as it stands: {_NO_EXPRESSION}"
    return None


def _marked_text(literal: cel.Literal) -> str:
    return f"{literal!r}: text needs no mark here: write {literal.text!r}"


def _parts(value: Any, depth: int = 0) -> Iterator[Any]:
    """Yield what a value is made of, but for the names in it."""
    if depth > _DEEPEST:
        return
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _parts(item, depth + 1)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _parts(item, depth + 1)
    else:
        yield value
