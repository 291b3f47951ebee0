"""List and map displays: ``[a, ?b]`` and ``{"a": 1, ?"b": c}``, where an optional part that is absent is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn.cel.faults import Fault
from airflow_provider_cloudfn.cel.values import KIND, Optional, native

if TYPE_CHECKING:
    from airflow_provider_cloudfn.cel.frame import Closure, Frame

__all__ = ["list_display", "map_display", "put"]

_KEYS: Final = frozenset({"int", "uint", "bool", "string"})


def list_display(items: list[tuple[Closure, bool, int]]) -> Closure:
    """
    Return the closure of a list display.

    :param items: Of each element the closure, whether it is optional, and where it stands.
    """
    if not any(optional for _, optional, _ in items):
        values = [value for value, _, _ in items]

        def evaluate(frame: Frame) -> list[Any]:
            return [value(frame) for value in values]

        return evaluate

    def evaluate_optional(frame: Frame) -> list[Any]:
        result = []
        for closure, optional, at in items:
            value = closure(frame)
            if not optional:
                result.append(value)
            elif _optional(value, at).present:
                result.append(value.value)
        return result

    return evaluate_optional


def map_display(entries: list[tuple[Closure, Closure, bool, int]]) -> Closure:
    """
    Return the closure of a map display.

    :param entries: Of each entry the closures of key and value, whether it is optional, and where it stands.
    """

    def evaluate(frame: Frame) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        for key_closure, value_closure, optional, at in entries:
            key, value = key_closure(frame), value_closure(frame)
            if optional:
                if not _optional(value, at).present:
                    continue
                value = value.value
            put(result, key, value, at)
        return result

    return evaluate


def put(result: dict[Any, Any], key: Any, value: Any, at: int) -> None:
    """
    Add an entry to a map that is being built.

    :raises Fault: when the map has the key already, or it is of a type that a key can't have.
    """
    if type(key) is not str:
        key = native(key)
        if KIND[type(key)] not in _KEYS:
            raise Fault(f"a key of a map is a string, int, uint or bool, got {KIND[type(key)]}", at)
    if key in result:
        raise Fault("the map has this key twice", at)
    result[key] = value


def _optional(value: Any, at: int) -> Optional:
    if isinstance(value, Optional):
        return value
    raise Fault(f"'?' leaves out what is absent, so it needs an optional such as a.?b, got {KIND[type(value)]}", at)
