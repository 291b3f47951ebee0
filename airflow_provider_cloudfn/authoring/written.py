"""What a parameter's value is once it has been read: a small tree, which is checked and rendered."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, Final, TypeAlias

from msgspec import Struct

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.exceptions import ExpressionError, in_words

__all__ = [
    "Deferred",
    "Formula",
    "Plain",
    "Renderer",
    "Text",
    "Written",
    "WrittenList",
    "WrittenMap",
    "Wrong",
    "formulas",
    "parts",
    "renderer",
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


class WrittenList(Struct, frozen=True):
    """A list."""

    nodes: tuple[Written, ...]


class WrittenMap(Struct, frozen=True):
    """A map."""

    pairs: tuple[tuple[Written, Written], ...]


class Wrong(Struct, frozen=True):
    """What can't stand there."""

    label: str
    message: str


Written: TypeAlias = Plain | Formula | Deferred | WrittenList | WrittenMap | Wrong
#: Turns what was written into plain values, given what its expressions can name.
Renderer: TypeAlias = Callable[[Mapping[str, Any]], Any]

_NONE: Final[Mapping[str, Any]] = {}


def formulas(node: Written) -> list[Formula]:
    """Return the expressions in a node, in the order in which they are written."""
    return [part for part in parts(node) if isinstance(part, Formula)]


def resolved(node: Written, resolve: Callable[[Any], Any]) -> Written:
    """
    Return a node in which what Airflow resolves is there: for one that is rendered many times.

    :param node: What :func:`read` returned.
    """
    if isinstance(node, Deferred):
        return Plain(resolve(node.reference))
    if isinstance(node, WrittenList):
        return WrittenList(tuple(resolved(item, resolve) for item in node.nodes))
    if isinstance(node, WrittenMap):
        return WrittenMap(tuple((resolved(key, resolve), resolved(value, resolve)) for key, value in node.pairs))
    return node


def renderer(node: Written, evaluation: Callable[[str], Renderer]) -> Renderer:
    """
    Return what turns a node into plain values, as often as it is called.

    :param node: What :func:`resolved` returned.
    :param evaluation: Returns what evaluates an expression, given its source.
    :raises ExpressionError: for what can't stand there, and as `evaluation` does; what is returned raises one with the label of
        the expression, such as ``query["since"]``.
    """
    if isinstance(node, Plain):
        value = node.value
        return lambda _: value
    if isinstance(node, Formula):
        return _formula(node, evaluation)
    if isinstance(node, WrittenList):
        items = [renderer(item, evaluation) for item in node.nodes]
        return lambda variables: [item(variables) for item in items]
    if isinstance(node, WrittenMap):
        return _map(node, evaluation)
    if isinstance(node, Wrong):
        raise ExpressionError(node.message, field=node.label)
    raise TypeError(f"{node!r} is to be resolved first")


def _formula(node: Formula, evaluation: Callable[[str], Renderer]) -> Renderer:
    try:
        evaluate = evaluation(node.source)
    except ExpressionError as error:
        raise error.in_field(node.label) from error.__cause__

    def rendered(variables: Mapping[str, Any]) -> Any:
        try:
            value = evaluate(variables)
        except ExpressionError as error:
            raise error.in_field(node.label) from error.__cause__
        # `a.?b` without orValue: what is absent is null, which leaves a header or a query's key out.
        return value.value if type(value) is cel.Optional else value

    return rendered


def _map(node: WrittenMap, evaluation: Callable[[str], Renderer]) -> Renderer:
    entries = [(key, renderer(key, evaluation), renderer(value, evaluation)) for key, value in node.pairs]
    if all(type(key) is Plain and type(key.value) is str for key, _ in node.pairs):
        named = {key(_NONE): value for _, key, value in entries}
        if len(named) == len(entries):
            return lambda variables: {name: value(variables) for name, value in named.items()}

    def rendered(variables: Mapping[str, Any]) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for key_node, render_key, render_value in entries:
            key = render_key(variables)
            if not isinstance(key, Hashable):
                label = key_node.label if isinstance(key_node, Formula) else None
                raise ExpressionError(f"a name is text, not {in_words(key)}", field=label)
            if key in found:
                raise ExpressionError(f"{key!r} is given twice, once as text and once as an expression: give it once")
            found[key] = render_value(variables)
        return found

    return rendered


def parts(node: Written) -> list[Written]:
    """Return a node and all that it is made of, in the order in which it is written."""
    found: list[Written] = []
    _gather(node, found)
    return found


def _gather(node: Written, found: list[Written]) -> None:
    found.append(node)
    if isinstance(node, WrittenList):
        for item in node.nodes:
            _gather(item, found)
    elif isinstance(node, WrittenMap):
        for key, value in node.pairs:
            _gather(key, found)
            _gather(value, found)
