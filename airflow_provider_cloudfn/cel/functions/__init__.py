"""
The function libraries, one module each, which fill the table in :mod:`registry`.

A new library is a module here and a name in ``_LIBRARIES``. What every expression needs is loaded with this package,
the rest when an expression first names a function that is not known by then.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final

from airflow_provider_cloudfn.cel import equality as _equality  # noqa: F401  # declares == != in
from airflow_provider_cloudfn.cel.registry import FUNCTIONS, METHODS, Overloads

__all__ = ["function", "method", "names", "operator"]

#: The operators, and the functions that the specification puts in no library.
_CORE: Final = ("arithmetic", "conversions", "ordering", "standard", "timestamps")

_LIBRARIES: Final = (
    *("strings", "optionals", "lists", "sorting", "format", "math", "url"),
    *("time", "regex", "json", "encoders", "sets", "hash", "uuid"),
)

for _library in _CORE:
    import_module(f"{__name__}.{_library}")


def function(name: str) -> dict[int, Overloads] | None:
    """Return the overloads of a function by its number of arguments, or None when there is no such function."""
    return None if name.startswith(("_", "-", "!")) else _found(FUNCTIONS, name)


def method(name: str) -> dict[int, Overloads] | None:
    """Return the overloads of a method, counting the value it is called on, or None when there is no such method."""
    return _found(METHODS, name)


def operator(name: str, arity: int) -> Overloads:
    """Return the overloads of an operator, such as ``_+_``."""
    return FUNCTIONS[name][arity]


def names(*, methods: bool = False) -> set[str]:
    """Return the names of all functions, or of all methods."""
    _load_all()
    return {name for name in (METHODS if methods else FUNCTIONS) if not name.startswith(("_", "-", "!"))}


def _found(table: dict[str, dict[int, Overloads]], name: str) -> dict[int, Overloads] | None:
    if name not in table:
        _load_all()  # whole libraries only: a method may have overloads in several
    return table.get(name)


def _load_all() -> None:
    for library in _LIBRARIES:
        import_module(f"{__name__}.{library}")
