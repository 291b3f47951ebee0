"""
How an operator's parameter is read: which of the text in it is an expression, and which is text.

A parameter's value is read once into a small tree of :data:`Written`. Checking looks for the expressions in the tree;
rendering turns the tree into plain values. Both see the same tree, so that what was checked is what runs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from msgspec import Struct

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.authoring.jinja import jinja_at
from airflow_provider_cloudfn.authoring.parameter import Parameter, Reading
from airflow_provider_cloudfn.authoring.task import is_reference
from airflow_provider_cloudfn.exceptions import ConfigurationError, ExpressionError
from airflow_provider_cloudfn.json_encoding import RepeatedKeyError, read_json, to_json_value

__all__ = ["ARRIVES_TOO_LATE", "Formula", "Plain", "Written", "Wrong", "data", "formulas", "parts", "read", "render"]


#: Why an XComArg can't stand in what is evaluated after the call.
ARRIVES_TOO_LATE: Final = (
    "is evaluated after the call, and can't come from another step: give the value to inputs=, and read it as inputs"
)

_DEEPEST = 100


class Plain(Struct, frozen=True):
    """A value that is itself."""

    value: Any


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


def read(parameter: Parameter, value: Any, known: Collection[int] = ()) -> Written:
    """
    Read a parameter's value as it stands in the Dag file.

    :param parameter: The parameter.
    :param value: Its value. Nothing is evaluated, and nothing is raised: what is wrong becomes a :class:`Wrong`.
    :param known: The identities of texts that arrived at run time, wherever they stand now: they are data.
    """
    if value is None:
        return Plain(None)
    if parameter.reading is None:
        return Plain(value)
    node = _READERS[parameter.reading](parameter.name, value)
    if parameter.after_call:
        return _without_references(_storable(node, parameter), parameter.name)
    return _with_data(node, known) if known else node


def _without_references(node: Written, label: str) -> Written:
    """Refuse what Airflow would have to resolve: after the call it is too late to find that it can't."""
    return Wrong(label, ARRIVES_TOO_LATE) if any(isinstance(part, Deferred) for part in parts(node)) else node


def _storable(node: Written, parameter: Parameter) -> Written:
    """Refuse what JSON can't hold, where XCom or an event is to hold it: after the call it is too late, too."""
    if parameter.reading not in (Reading.VALUE, Reading.DOCUMENT):
        return node
    for part in parts(node):
        if isinstance(part, Plain) and (problem := _json_problem(part.value)) is not None:
            return Wrong(parameter.name, problem)
        if isinstance(part, Entries):
            for key, _ in part.pairs:
                if isinstance(key, Plain) and not isinstance(key.value, str):
                    return Wrong(parameter.name, f"a name is text, not {type(key.value).__name__}")
    return node


def _json_problem(value: Any) -> str | None:
    if value is None or isinstance(value, (bool, bytes)):
        return None
    try:
        to_json_value(value)
    except ConfigurationError as error:
        return str(error)
    return None


def _with_data(node: Written, known: Collection[int]) -> Written:
    if isinstance(node, Formula):
        return Plain(node.source) if id(node.source) in known else node
    if isinstance(node, Items):
        return Items(tuple(_with_data(item, known) for item in node.nodes))
    if isinstance(node, Entries):
        return Entries(tuple((_with_data(key, known), _with_data(value, known)) for key, value in node.pairs))
    return node


def data(value: Any) -> Written:
    """
    Read a value that arrived at run time: no text in it is an expression.

    :param value: What an XCom held.
    """
    return Deferred(value) if is_reference(value) else Plain(value)


def formulas(node: Written) -> Iterator[Formula]:
    """Yield the expressions in a node, in the order in which they are written."""
    for part in parts(node):
        if isinstance(part, Formula):
            yield part


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


def parts(node: Written) -> Iterator[Written]:
    """Yield a node and all that it is made of, in the order in which it is written."""
    yield node
    if isinstance(node, Items):
        for item in node.nodes:
            yield from parts(item)
    elif isinstance(node, Entries):
        for key, value in node.pairs:
            yield from parts(key)
            yield from parts(value)


def _marked(label: str, value: Any, *, text: bool) -> Written | None:
    """Read what means the same in every parameter."""
    if type(value) is str:
        return None
    if isinstance(value, cel.Expression):
        return Formula(label, value.source, text)
    if isinstance(value, cel.Literal):
        return Plain(value.text)
    return Deferred(value) if is_reference(value) else None


def _read_text(label: str, value: Any) -> Written:
    if (node := _marked(label, value, text=True)) is not None:
        return node
    return Formula(label, value, text=True) if isinstance(value, str) else Plain(value)


def _read_value(label: str, value: Any) -> Written:
    if isinstance(value, str):
        return Formula(label, value, text=False)
    return _read_nested(label, value, jinja_is_refused=True)


def _read_condition(label: str, value: Any) -> Written:
    if isinstance(value, (str, cel.Expression)) or is_reference(value):
        return _read_value(label, value)
    if isinstance(value, bool):
        return Plain(value)
    return Wrong(label, f"must be an expression that is true or false, not {type(value).__name__}")


def _read_pairs(label: str, value: Any) -> Written:
    if (node := _marked(label, value, text=False)) is not None:
        return node
    if isinstance(value, str):
        return Formula(label, value, text=False)
    if not isinstance(value, Mapping):
        return Wrong(label, f"must be a dict or an expression that gives a map, not {type(value).__name__}")
    pairs: list[tuple[Written, Written]] = []
    for key, item in value.items():
        name = key.source if isinstance(key, cel.Expression) else getattr(key, "text", key)
        place = f'{label}["{str(name).strip(chr(34) + chr(39))}"]'
        pairs.append((_read_key(label, key), _read_pair_value(place, item)))
    return Entries(tuple(pairs))


def _read_key(label: str, key: Any) -> Written:
    place = f"{label} key {key!r}"
    if (node := _marked(place, key, text=True)) is not None:
        return node
    if not isinstance(key, str):
        return Wrong(place, f"a name is text, not {type(key).__name__}")
    if key[:1] in ('"', "'"):
        return Formula(place, key, text=True)
    return _without_jinja(place, key)


def _read_pair_value(label: str, value: Any) -> Written:
    if isinstance(value, (list, tuple)):
        return Items(tuple(_read_text(f"{label}[{index}]", item) for index, item in enumerate(value)))
    return _read_text(label, value)


def _read_document(label: str, value: Any) -> Written:
    if isinstance(value, str):
        try:
            parsed = read_json(value)
        except RepeatedKeyError as error:
            return Wrong(label, f"its JSON has the key {error.key!r} twice: leave one of them out")
        except ValueError:
            return Formula(label, value, text=False)
        if isinstance(parsed, str):
            return _without_jinja(label, parsed)
        return Plain(parsed) if jinja_at(value) is None else _jinja_in_json(label, value)
    return _read_nested(label, value, jinja_is_refused=True)


def _read_marked(label: str, value: Any) -> Written:
    return _read_nested(label, value, jinja_is_refused=False)


def _read_nested(label: str, value: Any, *, jinja_is_refused: bool, depth: int = 0) -> Written:
    if depth > _DEEPEST:
        return Wrong(label[:100], f"is nested deeper than {_DEEPEST}")
    if (node := _marked(label, value, text=False)) is not None:
        return node
    if isinstance(value, str):
        return _without_jinja(label, value) if jinja_is_refused else Plain(value)
    if isinstance(value, (dict, Mapping)):
        return Entries(
            tuple(
                (
                    _read_nested_key(label, key, jinja_is_refused=jinja_is_refused),
                    _read_nested(_below(label, key), item, jinja_is_refused=jinja_is_refused, depth=depth + 1),
                )
                for key, item in value.items()
            )
        )
    if isinstance(value, (list, tuple, Sequence)) and not isinstance(value, (bytes, bytearray, memoryview)):
        return Items(
            tuple(
                _read_nested(f"{label}[{index}]", item, jinja_is_refused=jinja_is_refused, depth=depth + 1)
                for index, item in enumerate(value)
            )
        )
    return Plain(value)


def _read_nested_key(label: str, key: Any, *, jinja_is_refused: bool) -> Written:
    place = f"{label} key {key!r}"
    if isinstance(key, cel.Expression):
        return Formula(place, key.source, text=False)
    if isinstance(key, cel.Literal):
        return Plain(key.text)
    return _without_jinja(place, key) if jinja_is_refused and isinstance(key, str) else Plain(key)


def _without_jinja(label: str, text: str) -> Written:
    """Return what text is that nobody has marked."""
    if jinja_at(text) is None:
        return Plain(text)
    from airflow_provider_cloudfn.authoring.jinja_equivalent import equivalent

    return Wrong(label, f"Jinja is not rendered here; {equivalent(text, text=True)}; or mark it as text: lit(…)")


def _jinja_in_json(label: str, text: str) -> Wrong:
    from airflow_provider_cloudfn.authoring.jinja_equivalent import equivalent

    return Wrong(
        label,
        f"Jinja is not rendered here; {equivalent(text)}; if the braces are meant, write a dict or a list instead of JSON text, "
        "and mark what has them as text: lit(…)",
    )


def _below(label: str, key: Any) -> str:
    if isinstance(key, (cel.Expression, cel.Literal)):
        key = str(key)
    return f"{label}.{key}" if isinstance(key, str) and key.isidentifier() else f'{label}["{key}"]'


_READERS: dict[Reading, Callable[[str, Any], Written]] = {
    Reading.TEXT: _read_text,
    Reading.PAIRS: _read_pairs,
    Reading.DOCUMENT: _read_document,
    Reading.VALUE: _read_value,
    Reading.CONDITION: _read_condition,
    Reading.MARKED: _read_marked,
}
