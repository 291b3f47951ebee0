"""What is asked of a map that another process has written, perhaps of another version, before it is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

__all__ = ["NOT_OURS", "TriggerPayload", "require_event", "require_wire_format"]

_SAME_VERSION: Final = "run the worker and the triggerer with the same version"
#: What is said of an event that no trigger of this version has written.
NOT_OURS: Final = f"the trigger's event is none of ours; {_SAME_VERSION}"


def require_wire_format(
    name: str,
    written: Any,
    known: Iterable[str],
    *,
    kinds: Mapping[str, tuple[type, ...]],
    needed: Iterable[str],
) -> None:
    """
    Refuse what can't be read.

    :param name: What it is, for errors.
    :param written: What was written.
    :param known: The names that can be in it.
    :param kinds: The types of what is under a name.
    :param needed: The names that must be in it.
    :raises ConfigurationError: when it is no such map.
    """
    if not isinstance(written, Mapping):
        raise ConfigurationError(f"{name}: must be a map, not {type(written).__name__}")
    if unknown := sorted(set(written) - set(known)):
        raise ConfigurationError(f"{name}: {unknown[0]!r} is not known here; {_SAME_VERSION}")
    for field, allowed in kinds.items():
        if field in written and not isinstance(written[field], allowed):
            raise ConfigurationError(f"{name}: {field} can't be of type {type(written[field]).__name__}")
    for field in needed:
        if field not in written:
            raise ConfigurationError(f"{name}: {field} is missing")


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
