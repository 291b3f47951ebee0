"""List and map displays: ``[a, ?b]`` and ``{"a": 1, ?"b": c}``, where an optional part that is absent is left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn.cel.equality import MISSING, find
from airflow_provider_cloudfn.cel.faults import Fault
from airflow_provider_cloudfn.cel.values import KIND, MAX_UINT, MIN_INT, Optional, native

if TYPE_CHECKING:
    from airflow_provider_cloudfn.cel.frame import Closure, Frame

__all__ = ["MixedKeys", "list_display", "map_display", "put"]

_KEYS: Final = frozenset({"int", "uint", "bool", "string"})


def list_display(items: list[tuple[Closure, bool, int]]) -> Closure:
    """Return the closure of a list display, from closure, whether it is optional, and place of each element."""
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
    """Return the closure of a map display, from closures of key and value, whether it is optional, and place of each."""

    def evaluate(frame: Frame) -> Mapping[Any, Any]:
        result: MutableMapping[Any, Any] = {}
        for key_closure, value_closure, optional, at in entries:
            key, value = key_closure(frame), value_closure(frame)
            if optional:
                if not _optional(value, at).present:
                    continue
                value = value.value
            result = put(result, key, value, at)
        return result

    return evaluate


def put(result: MutableMapping[Any, Any], key: Any, value: Any, at: int) -> MutableMapping[Any, Any]:
    """
    Add an entry to a map that is being built, and return the map.

    :raises Fault: when the map has the key already, or it is of a type that a key can't have.
    """
    if type(key) is not str:
        key = native(key)
        if KIND[type(key)] not in _KEYS:
            raise Fault(f"a key of a map is a string, int, uint or bool, got {KIND[type(key)]}", at)
        if (
            not isinstance(key, str) and not MIN_INT <= key <= MAX_UINT
        ):  # Python gives any number of those the same hash
            raise Fault("a key of a map is a number that fits in 64 bits", at)
    if key in result:
        if find(result, key) is not MISSING:
            raise Fault("the map has this key twice", at)
        result = MixedKeys(result)
    result[key] = value
    return result


class MixedKeys(MutableMapping[Any, Any]):
    """A map that has both ``1`` and ``true``, or both ``0`` and ``false``, which a dict takes for the same key."""

    def __init__(self, entries: Mapping[Any, Any]) -> None:
        self._entries = {_distinct(key): (key, entries[key]) for key in entries}

    def __getitem__(self, key: Any) -> Any:
        return self._entries[_distinct(key)][1]

    def __setitem__(self, key: Any, value: Any) -> None:
        self._entries[_distinct(key)] = (key, value)

    def __delitem__(self, key: Any) -> None:
        del self._entries[_distinct(key)]

    def __iter__(self) -> Iterator[Any]:
        return (key for key, _ in self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)


def _distinct(key: Any) -> tuple[bool, Any]:
    return isinstance(key, bool), key


def _optional(value: Any, at: int) -> Optional:
    if isinstance(value, Optional):
        return value
    raise Fault(f"'?' leaves out what is absent, so it needs an optional such as a.?b, got {KIND[type(value)]}", at)
