"""
How an operator's parameter is read: which of the text in it is an expression, and which is text.

A parameter's value is read once into a small tree of :data:`Written`. Checking looks for the expressions in the tree;
rendering turns the tree into plain values. Both see the same tree, so that what was checked is what runs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any, Final

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.authoring.jinja import jinja_at
from airflow_provider_cloudfn.authoring.parameter import Parameter, Reading
from airflow_provider_cloudfn.authoring.task import is_reference
from airflow_provider_cloudfn.authoring.written import (
    Deferred,
    Formula,
    Plain,
    Text,
    Written,
    WrittenList,
    WrittenMap,
    Wrong,
    parts,
)
from airflow_provider_cloudfn.client.secret import Secret
from airflow_provider_cloudfn.exceptions import ConfigurationError, in_words
from airflow_provider_cloudfn.json_encoding import RepeatedKeyError, read_json, to_json_value

__all__ = ["ARRIVES_TOO_LATE", "is_expression", "read"]


#: Why an XComArg can't stand in what is evaluated after the call.
ARRIVES_TOO_LATE: Final = (
    "is evaluated after the call, and can't come from another step: give the value to inputs=, and read it as inputs"
)

#: Why a placeholder stands for nothing in a parameter.
_NOT_FILLED_IN: Final = (
    "{secret!r} is filled in where it is a whole value of query, headers or body of a cloud function, and nowhere else: send it "
    "in one of these, or let the connection's authentication do it"
)

_DEEPEST = 100


def read(parameter: Parameter, value: Any, known: Collection[int] = ()) -> Written:
    """
    Read a parameter's value as it stands in the Dag file.

    :param value: Its value. Nothing is evaluated, and nothing is raised: what is wrong becomes a :class:`Wrong`.
    :param known: The identities of texts that arrived at run time, wherever they stand now: they are data.
    """
    if value is None:
        return Plain(None)
    if parameter.reading is None:
        return Plain(value)
    node = _READERS[parameter.reading](parameter.name, value)
    if (secret := _idle_secret(node, parameter)) is not None:
        return Wrong(parameter.name, _NOT_FILLED_IN.format(secret=secret))
    if parameter.after_call or parameter.reading is Reading.DOCUMENT:
        node = _storable(node, parameter)
    if parameter.after_call:
        # By then it is too late to find that Airflow can't resolve it.
        is_late = any(isinstance(part, Deferred) for part in parts(node))
        return Wrong(parameter.name, ARRIVES_TOO_LATE) if is_late else node
    return _with_data(node, known) if known else node


def _idle_secret(node: Written, parameter: Parameter) -> Secret | None:
    """Return a placeholder that nobody would fill in: what is rendered becomes text, JSON or a variable there."""
    if parameter.reading is Reading.PAIRS or parameter.takes_secrets:
        return None
    values = (part.value for part in parts(node) if isinstance(part, Plain))
    return next((value for value in values if isinstance(value, Secret)), None)


def _storable(node: Written, parameter: Parameter) -> Written:
    """Refuse what JSON can't hold, where a body, XCom or an event is to hold it: after the call it is too late, too."""
    if parameter.reading not in (Reading.VALUE, Reading.DOCUMENT):
        return node
    for part in parts(node):
        if isinstance(part, Plain) and (problem := _json_problem(part.value)) is not None:
            return Wrong(parameter.name, problem)
        if isinstance(part, WrittenMap):
            for key, _ in part.pairs:
                if isinstance(key, Plain) and not isinstance(key.value, str):
                    return Wrong(parameter.name, f"a name is text, not {in_words(key.value)}")
    return node


def _json_problem(value: Any) -> str | None:
    if value is None or isinstance(value, (bool, bytes, Secret)):
        return None
    try:
        to_json_value(value)
    except ConfigurationError as error:
        return str(error)
    return None


def _with_data(node: Written, known: Collection[int]) -> Written:
    if isinstance(node, Formula):
        return Plain(node.source) if id(node.source) in known else node
    if isinstance(node, WrittenList):
        return WrittenList(tuple(_with_data(item, known) for item in node.nodes))
    if isinstance(node, WrittenMap):
        return WrittenMap(tuple((_with_data(key, known), _with_data(value, known)) for key, value in node.pairs))
    return node


def is_expression(value: Any) -> bool:
    """Tell whether a value is marked as an expression, where text is text."""
    return isinstance(value, cel.Expression)


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
    return Wrong(label, f"must be an expression that is true or false, not {in_words(value)}")


def _read_check(label: str, value: Any) -> Written:
    if isinstance(value, str):
        return Wrong(label, f"is text, which checks nothing: write {cel.Expression(value)!r}")
    if (node := _marked(label, value, text=False)) is not None or callable(value):
        return node or Plain(value)
    return Wrong(label, f'must be a function, or cel("…"), not {in_words(value)}')


def _read_pairs(label: str, value: Any) -> Written:
    if (node := _marked(label, value, text=False)) is not None:
        return node
    if isinstance(value, str):
        return Formula(label, value, text=False)
    if not isinstance(value, Mapping):
        return Wrong(label, f"must be a dict or an expression that gives a map, not {in_words(value)}")
    pairs: list[tuple[Written, Written]] = []
    for key, item in value.items():
        name = key.source if isinstance(key, cel.Expression) else getattr(key, "text", key)
        place = f'{label}["{str(name).strip(chr(34) + chr(39))}"]'
        pairs.append((_read_key(label, key), _read_pair_value(place, item)))
    return WrittenMap(tuple(pairs))


def _read_key(label: str, key: Any) -> Written:
    place = f"{label} key {key!r}"
    if (node := _marked(place, key, text=True)) is not None:
        return node
    if not isinstance(key, str):
        return Wrong(place, f"a name is text, not {in_words(key)}")
    if key[:1] in ('"', "'"):
        return Formula(place, key, text=True)
    return _without_jinja(place, key, is_key=True)


def _read_pair_value(label: str, value: Any) -> Written:
    if isinstance(value, (list, tuple)):
        return WrittenList(tuple(_read_text(f"{label}[{index}]", item) for index, item in enumerate(value)))
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
        return _read_json(label, parsed) if jinja_at(value) is None else _jinja_in_json(label, value)
    return _read_nested(label, value, jinja_is_refused=True)


def _read_json(label: str, value: Any) -> Written:
    if isinstance(value, dict):
        return WrittenMap(tuple((Plain(key), _read_json(_below(label, key), item)) for key, item in value.items()))
    if isinstance(value, list):
        return WrittenList(tuple(_read_json(f"{label}[{index}]", item) for index, item in enumerate(value)))
    return Text(value, label, in_json=True) if isinstance(value, str) else Plain(value)


def _read_nested(label: str, value: Any, *, jinja_is_refused: bool, depth: int = 0) -> Written:
    if depth > _DEEPEST:
        return Wrong(label[:100], f"is nested deeper than {_DEEPEST}")
    if (node := _marked(label, value, text=False)) is not None:
        return node
    if isinstance(value, str):
        return _without_jinja(label, value) if jinja_is_refused else Text(value, label)
    if isinstance(value, (dict, Mapping)):
        return WrittenMap(
            tuple(
                (
                    _read_nested_key(label, key, jinja_is_refused=jinja_is_refused),
                    _read_nested(_below(label, key), item, jinja_is_refused=jinja_is_refused, depth=depth + 1),
                )
                for key, item in value.items()
            )
        )
    if isinstance(value, (list, tuple, Sequence)) and not isinstance(value, (bytes, bytearray, memoryview)):
        return WrittenList(
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
    return _without_jinja(place, key, is_key=True) if jinja_is_refused and isinstance(key, str) else Plain(key)


def _without_jinja(label: str, text: str, *, is_key: bool = False) -> Written:
    """Return what text is that nobody has marked."""
    if jinja_at(text) is None:
        return Plain(text) if is_key else Text(text, label)
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
    Reading.CHECK: _read_check,
    Reading.MARKED: partial(_read_nested, jinja_is_refused=False),
}
