"""
How an operator's parameter is read: which of the text in it is an expression, and which is text.

A parameter's value is read once into a small tree of :data:`Node`. Checking looks for the expressions in the tree;
rendering turns the tree into plain values. Both see the same tree, so that what was checked is what runs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.exceptions import ExpressionError

__all__ = ["Field", "Node", "Reading", "formulas", "read", "refusals", "render"]


class Reading(Enum):
    """What a ``str`` in the Dag file means in a parameter."""

    #: An expression whose value becomes text: ``uri``.
    TEXT = "text"
    #: A map of such expressions, whose keys are text unless they begin with a quote: ``query``, ``headers``.
    PAIRS = "pairs"
    #: An expression, or JSON text; inside a dict or a list, text: ``body``, ``event_payload``.
    DOCUMENT = "document"
    #: An expression of any value: ``returns``, ``success_when``.
    VALUE = "value"
    #: Text; ``cel("…")`` marks an expression, at any depth: every parameter of :class:`EmporixStartOperator`.
    MARKED = "marked"


@dataclass(frozen=True, slots=True)
class Field:
    """
    A parameter that can hold expressions.

    :param name: The parameter's name.
    :param reading: What a ``str`` in it means.
    :param after_call: Whether it is evaluated when the answer is there, and so can read ``response``.
    :param jinja: Whether its text is run through Jinja before. Never where text is an expression.
    """

    name: str
    reading: Reading
    after_call: bool = False
    jinja: bool = False


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that is itself."""

    value: Any


@dataclass(frozen=True, slots=True)
class Formula:
    """An expression. `text`: it becomes text, and one that reads no variable must be written as what it becomes."""

    label: str
    source: str
    text: bool


@dataclass(frozen=True, slots=True)
class Deferred:
    """What Airflow resolves at run time, such as an XComArg: data, never an expression."""

    reference: Any


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Entries:
    """A map."""

    pairs: tuple[tuple[Node, Node], ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """What can't stand there."""

    label: str
    message: str


Node: TypeAlias = Constant | Formula | Deferred | Items | Entries | Refusal


def read(field: Field, value: Any) -> Node:
    """
    Read a parameter's value as it stands in the Dag file.

    :param field: The parameter.
    :param value: Its value. Nothing is evaluated, and nothing is raised: what is wrong becomes a :class:`Refusal`.
    """
    if value is None:
        return Constant(None)
    return _READERS[field.reading](field.name, value)


def data(value: Any) -> Node:
    """
    Read a value that arrived at run time: no text in it is an expression.

    :param value: What an XCom held.
    """
    return Deferred(value) if is_reference(value) else Constant(value)


def formulas(node: Node) -> Iterator[Formula]:
    """Yield the expressions in a node, in the order in which they are written."""
    for part in _walk(node):
        if isinstance(part, Formula):
            yield part


def refusals(node: Node) -> Iterator[Refusal]:
    """Yield what is wrong in a node whatever its expressions say, in the order in which it is written."""
    for part in _walk(node):
        if isinstance(part, Refusal):
            yield part


def render(node: Node, evaluate: Callable[[str], Any], resolve: Callable[[Any], Any]) -> Any:
    """
    Turn a node into plain values.

    :param node: What :func:`read` returned.
    :param evaluate: Evaluates an expression's source.
    :param resolve: Resolves an XComArg and the like.
    :raises ExpressionError: with the label of the expression, such as ``query["since"]``.
    """
    if isinstance(node, Constant):
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
        return {render(key, evaluate, resolve): render(value, evaluate, resolve) for key, value in node.pairs}
    raise ExpressionError(node.message, field=node.label)


def is_reference(value: Any) -> bool:
    """Tell whether Airflow would resolve a value at run time, as it does with an XComArg."""
    return not isinstance(value, os.PathLike) and callable(getattr(value, "resolve", None))


def _walk(node: Node) -> Iterator[Node]:
    yield node
    if isinstance(node, Items):
        for item in node.nodes:
            yield from _walk(item)
    elif isinstance(node, Entries):
        for key, value in node.pairs:
            yield from _walk(key)
            yield from _walk(value)


def _marked(label: str, value: Any, *, text: bool) -> Node | None:
    """Read what means the same in every parameter."""
    if isinstance(value, cel.Expression):
        return Formula(label, value.source, text)
    if isinstance(value, cel.Literal):
        return Constant(value.text)
    return Deferred(value) if is_reference(value) else None


def _read_text(label: str, value: Any) -> Node:
    if (node := _marked(label, value, text=True)) is not None:
        return node
    return Formula(label, value, text=True) if isinstance(value, str) else Constant(value)


def _read_value(label: str, value: Any) -> Node:
    if (node := _marked(label, value, text=False)) is not None:
        return node
    return Formula(label, value, text=False) if isinstance(value, str) else Constant(value)


def _read_pairs(label: str, value: Any) -> Node:
    if (node := _marked(label, value, text=False)) is not None:
        return node
    if isinstance(value, str):
        return Formula(label, value, text=False)
    if not isinstance(value, Mapping):
        return Refusal(label, f"must be a dict or an expression that gives a map, not {type(value).__name__}")
    pairs: list[tuple[Node, Node]] = []
    for key, item in value.items():
        name = key.source if isinstance(key, cel.Expression) else getattr(key, "text", key)
        place = f'{label}["{str(name).strip(chr(34) + chr(39))}"]'
        pairs.append((_read_key(label, key), _read_pair_value(place, item)))
    return Entries(tuple(pairs))


def _read_key(label: str, key: Any) -> Node:
    place = f"{label} key {key!r}"
    if (node := _marked(place, key, text=True)) is not None:
        return node
    if not isinstance(key, str):
        return Refusal(place, f"a name is text, not {type(key).__name__}")
    return Formula(place, key, text=True) if key[:1] in ('"', "'") else Constant(key)


def _read_pair_value(label: str, value: Any) -> Node:
    if isinstance(value, (list, tuple)):
        return Items(tuple(_read_text(f"{label}[{index}]", item) for index, item in enumerate(value)))
    return _read_text(label, value)


def _read_document(label: str, value: Any) -> Node:
    if isinstance(value, str):
        parsed = _json(value)
        return Formula(label, value, text=False) if parsed is _NO_JSON else Constant(parsed)
    return _read_nested(label, value, jinja_is_refused=True)


def _read_marked(label: str, value: Any) -> Node:
    return _read_nested(label, value, jinja_is_refused=False)


def _read_nested(label: str, value: Any, *, jinja_is_refused: bool) -> Node:
    if (node := _marked(label, value, text=False)) is not None:
        return node
    if isinstance(value, str):
        if jinja_is_refused and any(mark in value for mark in ("{{", "{%", "{#")):
            from airflow_provider_cloudfn.cel.jinja import equivalent

            return Refusal(label, f"Jinja is not rendered here; {equivalent(value)}; or mark it as text: lit(…)")
        return Constant(value)
    if isinstance(value, Mapping):
        return Entries(
            tuple(
                (Constant(key), _read_nested(_below(label, key), item, jinja_is_refused=jinja_is_refused))
                for key, item in value.items()
            )
        )
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray, memoryview)):
        return Items(
            tuple(
                _read_nested(f"{label}[{index}]", item, jinja_is_refused=jinja_is_refused)
                for index, item in enumerate(value)
            )
        )
    return Constant(value)


def _below(label: str, key: Any) -> str:
    return f"{label}.{key}" if isinstance(key, str) and key.isidentifier() else f'{label}["{key}"]'


_JINJA = ("{{", "{%", "{#")

_NO_JSON = object()


def _json(text: str) -> Any:
    """Return what JSON text means, or a mark for text that is none: `NaN` and its like are no JSON (RFC 8259)."""

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        return json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError):
        return _NO_JSON


_READERS: dict[Reading, Callable[[str, Any], Node]] = {
    Reading.TEXT: _read_text,
    Reading.PAIRS: _read_pairs,
    Reading.DOCUMENT: _read_document,
    Reading.VALUE: _read_value,
    Reading.MARKED: _read_marked,
}
