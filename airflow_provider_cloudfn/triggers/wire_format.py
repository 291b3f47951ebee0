"""What is asked of a map that another process has written, perhaps of another version, before it is read."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import UnionType
from typing import TYPE_CHECKING, Any, Final, Literal, Union, get_args, get_origin

from msgspec import Struct
from msgspec.structs import fields

from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["NOT_OURS", "TriggerPayload", "require_event", "require_wire_format"]

_SAME_VERSION: Final = "run the worker and the triggerer with the same version"
#: What is said of an event that no trigger of this version has written.
NOT_OURS: Final = f"the trigger's event is none of ours; {_SAME_VERSION}"
#: What some types are written as.
_AS_JSON: Final[Mapping[Any, tuple[type, ...]]] = {float: (int, float), tuple: (list, tuple), Literal: (str,)}


def require_wire_format(name: str, written: Any, kind: type[Struct]) -> None:
    """
    Refuse what can't be read.

    :param name: What it is, for errors.
    :param kind: The class that it is to be read as, whose fields say what can be in it, and what must.
    :raises ConfigurationError: when it is no such map.
    """
    if not isinstance(written, Mapping):
        raise ConfigurationError(f"{name}: must be a map, not {type(written).__name__}")
    if unknown := sorted(set(written) - set(kind.__struct_fields__)):
        raise ConfigurationError(f"{name}: {unknown[0]!r} is not known here; {_SAME_VERSION}")
    for field, (allowed, is_needed) in _fields_of(kind).items():
        if field in written and allowed and not isinstance(written[field], allowed):
            raise ConfigurationError(f"{name}: {field} can't be of type {type(written[field]).__name__}")
        if field not in written and is_needed:
            raise ConfigurationError(f"{name}: {field} is missing")


@lru_cache
def _fields_of(kind: type[Struct]) -> dict[str, tuple[tuple[type, ...], bool]]:
    """Return for each field the types in which it is written, none for one that is judged elsewhere, and whether it is needed."""
    return {one.encode_name: (_written_types(one.type), one.required) for one in fields(kind)}


def _written_types(annotation: Any) -> tuple[type, ...]:
    choices = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    kinds = [get_origin(one) or one for one in choices]
    if any(one is Any or (isinstance(one, type) and issubclass(one, Struct)) for one in kinds):
        return ()
    return tuple(written for one in kinds for written in _AS_JSON.get(one, (one,)))


class TriggerPayload(dict[str, Any]):
    """
    What a trigger says, as JSON.

    Airflow writes what a trigger has said into its log. What an answer had in it does not belong there: only how it ended.
    """

    def __repr__(self) -> str:
        return f"{{'outcome': {self.get('outcome')!r}, …}}"


def require_event(written: Any, outcomes: Collection[str]) -> Mapping[str, Any]:
    """
    Return what a trigger has said, which a worker takes as its own.

    :param outcomes: How a wait of its kind can end.
    :raises ConfigurationError: when it is nothing of the kind.
    """
    told: Mapping[str, Any] = written if isinstance(written, Mapping) else {}
    if told.get("outcome") not in outcomes or not isinstance(told.get("seconds"), (int, float)):
        raise ConfigurationError(NOT_OURS)
    return told
