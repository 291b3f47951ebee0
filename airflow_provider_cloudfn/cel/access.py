"""
Reading: variables, fields, indexes and ``has``.

A path such as ``steps.fetch.id`` is one closure, which asks each map for the one key it names and for nothing else, so
that a map may fetch its values when they are asked for. Such a map says that a key is missing by a ``KeyError``, gives
the reason for anything else as an :class:`ExpressionError`, and may offer a hint by ``__missing_hint__(key)``,
or say all of it by ``__missing_message__(key)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.cel.equality import MISSING, NUMBERS, find
from airflow_provider_cloudfn.cel.faults import Fault, carried
from airflow_provider_cloudfn.cel.values import FOREIGN, KIND, Optional
from airflow_provider_cloudfn.exceptions import ExpressionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_cloudfn.cel.frame import Closure, Frame

__all__ = [
    "entry",
    "field",
    "has",
    "index",
    "local",
    "local_path",
    "optional_field",
    "optional_index",
    "path",
    "variable",
]


def variable(name: str, at: int) -> Closure:
    """Return the closure that reads a variable."""

    def evaluate(frame: Frame) -> Any:
        return _read(frame, name, at)

    return evaluate


def _read(frame: Frame, name: str, at: int) -> Any:
    try:
        return frame.variables[name]
    except KeyError:
        raise Fault(f"the variable '{name}' is not there", at) from None
    except ExpressionError as error:
        raise carried(error, at) from None


def local(slot: int) -> Closure:
    """Return the closure that reads a variable of a macro."""

    def evaluate(frame: Frame) -> Any:
        return frame.locals[slot]

    return evaluate


def path(name: str, at: int, fields: list[tuple[str, int]]) -> Closure:
    """Return the closure that reads a variable's field, its field, and so on, each with its place."""

    def evaluate(frame: Frame) -> Any:
        try:
            value = frame.variables[name]
        except (KeyError, ExpressionError):
            value = _read(frame, name, at)
        for depth, (key, key_at) in enumerate(fields):
            if type(value) is dict and key in value:
                value = value[key]
            else:
                value = select(value, key, key_at, [name, *(name for name, _ in fields[:depth])])
        return value

    return evaluate


def local_path(slot: int, name: str, fields: list[tuple[str, int]]) -> Closure:
    """Return the closure that reads a field of a variable of a macro, its field, and so on."""

    def evaluate(frame: Frame) -> Any:
        value = frame.locals[slot]
        for depth, (key, key_at) in enumerate(fields):
            if type(value) is dict and key in value:
                value = value[key]
            else:
                value = select(value, key, key_at, [name, *(name for name, _ in fields[:depth])])
        return value

    return evaluate


def field(operand: Closure, key: str, at: int) -> Closure:
    """Return the closure of ``operand.key``."""

    def evaluate(frame: Frame) -> Any:
        value = operand(frame)
        if type(value) is dict and key in value:
            return value[key]
        return select(value, key, at, [])

    return evaluate


def select(value: Any, key: str, at: int, names: list[str]) -> Any:
    """
    Return a field of a value.

    :param names: The value's path, for messages.
    :raises Fault: when the value has no fields, or not this one.
    """
    kind = KIND[type(value)]
    if kind == "map":
        found = _lookup(value, key, at)
        if found is MISSING:
            raise Fault(_no_such_key(value, key, names, f"no such key: '{key}'"), at)
        return found
    if kind == "optional_type":
        return _select_optional(value, key, at)
    raise _without(value, f"field '{key}'", names, at)


def _without(value: Any, what: str, names: list[str], at: int) -> Fault:
    where = _where(names) or "the value"
    is_what = "null, so it" if value is None else f"of type {_shown(KIND[type(value)])}, which"
    hint = "; write size(x)" if value is not None and what in ("field 'length'", "field 'size'") else ""
    return Fault(f"{where} is {is_what} has no {what}{hint}", at)


def _lookup(mapping: Mapping[Any, Any], key: Any, at: int) -> Any:
    try:
        return find(mapping, key)
    except ExpressionError as error:
        raise carried(error, at) from None


def _no_such_key(mapping: Mapping[Any, Any], key: Any, names: list[str], message: str) -> str:
    if said := _told(mapping, "__missing_message__", key):
        return said
    if where := _where(names):
        message += f" in {where}"
    hint = _told(mapping, "__missing_hint__", key)
    return f"{message}; {hint}" if hint else message


def _told(mapping: Mapping[Any, Any], by: str, key: Any) -> str | None:
    tell = getattr(mapping, by, None)
    return tell(key) if tell is not None and isinstance(key, str) else None


def _where(names: list[str]) -> str:
    text = ""
    for name in names:
        text += f".{name}" if text and name.isidentifier() else name if not text else f'["{name}"]'
    return text


def _shown(kind: str) -> str:
    return FOREIGN[kind][0] if kind in FOREIGN else kind


def _select_optional(value: Optional, key: Any, at: int) -> Optional:
    return optional_member(value.value, key, at) if value.present else Optional.NONE


def optional_member(value: Any, key: Any, at: int) -> Optional:
    """Return a field or element of a value as an optional, which is absent when there is none."""
    kind = KIND[type(value)]
    if kind == "optional_type":
        return _select_optional(value, key, at)
    if kind == "list":
        position = _position(key)
        if position is None:
            raise Fault(f"a list has no element of a {KIND[type(key)]}; an index is an int", at)
        return Optional(_element(value, position, at)) if 0 <= position < len(value) else Optional.NONE
    if kind == "map":
        found = _lookup(value, key, at)
        return Optional.NONE if found is MISSING else Optional(found)
    if value is None:
        return Optional.NONE
    raise Fault(f"a value of type {_shown(kind)} has no fields and no elements", at)


def entry(mapping: Mapping[Any, Any], key: Any, at: int) -> Any:
    """Return the value of a key that the map itself has named."""
    try:
        return mapping[key]
    except KeyError:
        raise Fault("the map has lost a key that it named", at) from None
    except ExpressionError as error:
        raise carried(error, at) from None


def optional_field(operand: Closure, key: str, at: int) -> Closure:
    """Return the closure of ``operand.?key``."""

    def evaluate(frame: Frame) -> Optional:
        return optional_member(operand(frame), key, at)

    return evaluate


def optional_index(operand: Closure, key: Closure, at: int) -> Closure:
    """Return the closure of ``operand[?key]``."""

    def evaluate(frame: Frame) -> Optional:
        return optional_member(operand(frame), key(frame), at)

    return evaluate


def index(operand: Closure, key: Closure, at: int, names: list[str]) -> Closure:
    """Return the closure of ``operand[key]``; messages name the operand by its path."""

    def evaluate(frame: Frame) -> Any:
        value, wanted = operand(frame), key(frame)
        kind = KIND[type(value)]
        if kind == "map":
            found = _lookup(value, wanted, at)
            if found is MISSING:
                # Not the key itself, which can be a value of the context.
                raise Fault(_no_such_key(value, wanted, names, f"no such key of type {KIND[type(wanted)]}"), at)
            return found
        if kind == "list":
            position = _position(wanted)
            if position is None:
                raise Fault(f"{_where(names) or 'a list'} is indexed by {KIND[type(wanted)]}; an index is an int", at)
            if not 0 <= position < len(value):
                where = _where(names) or "a list"
                hint = "; from the end it is counted as x[size(x) - 1], or x.last()" if position < 0 else ""
                raise Fault(f"the index is out of range in {where} of {len(value)} elements{hint}", at)
            return _element(value, position, at)
        if kind == "optional_type":
            return _select_optional(value, wanted, at)
        raise _without(value, "elements", names, at)

    return evaluate


def _position(key: Any) -> int | None:
    if KIND[type(key)] not in NUMBERS or key != key or key in (float("inf"), float("-inf")) or int(key) != key:
        return None
    return int(key)


def _element(items: Sequence[Any], position: int, at: int) -> Any:
    try:
        return items[position]
    except IndexError:
        raise Fault("the index is out of range", at) from None
    except ExpressionError as error:
        raise carried(error, at) from None


def has(operand: Closure, key: str, at: int) -> Closure:
    """Return the closure of ``has(operand.key)``; a field of null is not there."""

    def evaluate(frame: Frame) -> bool:
        value = operand(frame)
        kind = KIND[type(value)]
        if kind == "map":
            return _lookup(value, key, at) is not MISSING
        if value is None:
            return False
        if kind == "optional_type":
            return _select_optional(value, key, at).present
        raise Fault(f"has() asks for a field of a value of type {_shown(kind)}, which has none", at)

    return evaluate
