"""
The function libraries, one module each; importing this package fills the table in :mod:`registry`.

A new library is a module here and a name in ``_LIBRARIES``.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final

from airflow_provider_cloudfn.cel import equality as _equality  # noqa: F401  # declares == != in
from airflow_provider_cloudfn.cel.registry import FUNCTIONS, METHODS, Overloads

__all__ = ["function", "method", "names", "operator"]

_LIBRARIES: Final = (
    "arithmetic",
    "conversions",
    "encoders",
    "format",
    "hash",
    "json",
    "lists",
    "math",
    "optionals",
    "ordering",
    "regex",
    "sets",
    "sorting",
    "standard",
    "strings",
    "time",
    "timestamps",
    "url",
    "uuid",
)

for _library in _LIBRARIES:
    import_module(f"{__name__}.{_library}")


def function(name: str) -> dict[int, Overloads] | None:
    """Return the overloads of a function by its number of arguments, or None when there is no such function."""
    return None if name.startswith(("_", "-", "!")) else FUNCTIONS.get(name)


def method(name: str) -> dict[int, Overloads] | None:
    """Return the overloads of a method, counting the value it is called on, or None when there is no such method."""
    return METHODS.get(name)


def operator(name: str, arity: int) -> Overloads:
    """Return the overloads of an operator, such as ``_+_``."""
    return FUNCTIONS[name][arity]


def names(*, methods: bool = False) -> set[str]:
    """Return the names of all functions, or of all methods."""
    return {name for name in (METHODS if methods else FUNCTIONS) if not name.startswith(("_", "-", "!"))}
