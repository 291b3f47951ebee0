"""What functions and methods there are, as a person reads them: for the documents, and for editors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from airflow_provider_cloudfn.cel import functions
from airflow_provider_cloudfn.cel.registry import FUNCTIONS, METHODS

if TYPE_CHECKING:
    from airflow_provider_cloudfn.cel.registry import Overloads

__all__ = ["Known", "known_functions"]

_ANY_NUMBER: Final = {"int", "uint", "double"}
_WORDS: Final = {"optional_type": "optional", "...": "numbers"}
#: Modules whose functions are in the library of another one.
_LIBRARIES: Final = {"format": "strings", "sorting": "lists"}


class Known(Struct, frozen=True):
    """
    A function, or a method.

    :param group: The library of functions that it is in, such as ``strings``.
    :param name: Its name, with its namespace.
    :param is_method: Whether it is called on a value.
    :param call: How it is called, with the types that it takes, such as ``string.split(string[, int])``.
    """

    group: str
    name: str
    is_method: bool
    call: str


def known_functions() -> list[Known]:
    """Return all functions, and then all methods, each by name."""
    found: list[Known] = []
    for is_method, table in ((False, FUNCTIONS), (True, METHODS)):
        for name in sorted(functions.names(methods=is_method)):
            arities = table[name]
            # The first by name: which library is loaded first depends on what was evaluated before.
            module = min(_modules(arities))
            call = _call(name, arities, is_method=is_method)
            found.append(Known(_LIBRARIES.get(module, module), name, is_method, call))
    return found


def _modules(arities: dict[int, Overloads]) -> set[str]:
    declared = [one for overloads in arities.values() for _, one in overloads.declared]
    return {implementation.__module__.rpartition(".")[2] for implementation in declared}


def _call(name: str, arities: dict[int, Overloads], *, is_method: bool) -> str:
    longest = max(arities.values(), key=lambda overloads: max(len(kinds) for kinds, _ in overloads.declared))
    fewest = min(len(kinds) for overloads in arities.values() for kinds, _ in overloads.declared)
    places = [
        {kinds[place] for overloads in arities.values() for kinds, _ in overloads.declared if len(kinds) > place}
        for place in range(max(len(kinds) for kinds, _ in longest.declared))
    ]
    shown = [_kind(kinds) for kinds in places]
    subject = f"{shown.pop(0)}." if is_method else ""
    needed = fewest - 1 if is_method else fewest
    arguments = ", ".join(shown[:needed])
    for optional in shown[needed:]:
        arguments += f"[, {optional}]" if arguments else f"[{optional}]"
    return f"{subject}{name}({arguments})"


def _kind(kinds: set[str]) -> str:
    if "dyn" in kinds:
        return "any"
    if kinds >= _ANY_NUMBER:
        kinds = (kinds - _ANY_NUMBER) | {"number"}
    return "/".join(sorted(_WORDS.get(kind, kind) for kind in kinds))
