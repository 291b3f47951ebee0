"""What a parameter's value is once it has been read: a small tree, which is checked and rendered."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeAlias

from msgspec import Struct

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.exceptions import ExpressionError

__all__ = [
    "Deferred",
    "Entries",
    "Formula",
    "Items",
    "Plain",
    "Text",
    "Written",
    "Wrong",
    "formulas",
    "parts",
    "render",
    "resolved",
]


class Plain(Struct, frozen=True):
    """A value that is itself."""

    value: Any


class Text(Plain, frozen=True):
    """Text that nobody has marked. `in_json`: it stands in JSON text, where nothing can be marked."""

    label: str
    in_json: bool = False


class Formula(Struct, frozen=True):
    """An expression. `text`: it becomes text, and one that reads no variable must be written as what it becomes."""

    label: str
    source: str
    text: bool


class Deferred(Struct, frozen=True):
    """What Airflow resolves at run time, such as an XComArg: data, never an expression."""

    reference: Any


class Items(Struct, frozen=True):
    """A list."""

    nodes: tuple[Written, ...]


class Entries(Struct, frozen=True):
    """A map."""

    pairs: tuple[tuple[Written, Written], ...]


class Wrong(Struct, frozen=True):
    """What can't stand there."""

    label: str
    message: str


Written: TypeAlias = Plain | Formula | Deferred | Items | Entries | Wrong


def formulas(node: Written) -> list[Formula]:
    """Return the expressions in a node, in the order in which they are written."""
    return [part for part in parts(node) if isinstance(part, Formula)]


def resolved(node: Written, resolve: Callable[[Any], Any]) -> Written:
    """
    Return a node in which what Airflow resolves is there: for one that is rendered many times.

    :param node: What :func:`read` returned.
    :param resolve: Resolves an XComArg and the like.
    """
    if isinstance(node, Deferred):
        return Plain(resolve(node.reference))
    if isinstance(node, Items):
        return Items(tuple(resolved(item, resolve) for item in node.nodes))
    if isinstance(node, Entries):
        return Entries(tuple((resolved(key, resolve), resolved(value, resolve)) for key, value in node.pairs))
    return node


def render(node: Written, evaluate: Callable[[str], Any], resolve: Callable[[Any], Any]) -> Any:
    """
    Turn a node into plain values.

    :param node: What :func:`read` returned.
    :param evaluate: Evaluates an expression's source.
    :param resolve: Resolves an XComArg and the like.
    :raises ExpressionError: with the label of the expression, such as ``query["since"]``.
    """
    if isinstance(node, Plain):
        return node.value
    if isinstance(node, Formula):
        try:
            value = evaluate(node.source)
        except ExpressionError as error:
            raise error.in_field(node.label) from error.__cause__
        # `a.?b` without orValue: what is absent is null, which leaves a header or a query's key out.
        return value.value if isinstance(value, cel.Optional) else value
    if isinstance(node, Deferred):
        return resolve(node.reference)
    if isinstance(node, Items):
        return [render(item, evaluate, resolve) for item in node.nodes]
    if isinstance(node, Entries):
        return _map(node, evaluate, resolve)
    raise ExpressionError(node.message, field=node.label)


def _map(node: Entries, evaluate: Callable[[str], Any], resolve: Callable[[Any], Any]) -> dict[Any, Any]:
    rendered: dict[Any, Any] = {}
    for key_node, value_node in node.pairs:
        key = render(key_node, evaluate, resolve)
        if not isinstance(key, Hashable):
            label = key_node.label if isinstance(key_node, Formula) else None
            raise ExpressionError(f"a name is text, not {type(key).__name__}", field=label)
        if key in rendered:
            raise ExpressionError(f"{key!r} is given twice, once as text and once as an expression: give it once")
        rendered[key] = render(value_node, evaluate, resolve)
    return rendered


def parts(node: Written) -> list[Written]:
    """Return a node and all that it is made of, in the order in which it is written."""
    found: list[Written] = []
    _gather(node, found)
    return found


def _gather(node: Written, found: list[Written]) -> None:
    found.append(node)
    if isinstance(node, Items):
        for item in node.nodes:
            _gather(item, found)
    elif isinstance(node, Entries):
        for key, value in node.pairs:
            _gather(key, found)
            _gather(value, found)
