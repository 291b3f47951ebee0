"""The known name that somebody meant who wrote another one: what is behind every "did you mean"."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["nearest_name"]

#: How long a name may be to be looked for.
_LONGEST = 60


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    """
    Return the known name that another one most likely stands for, None where none is near.

    That is one of which the name is the end after a dot, the only one that begins with it, or the most similar one.

    :param name: The name that is not known.
    :param known: The names that are.
    """
    if len(name) > _LONGEST:
        return None
    others = [other for other in known if other != name]
    if (whole := next((other for other in others if other.endswith(f".{name}")), None)) is not None:
        return whole
    begun = [other for other in others if len(name) > 2 and other.startswith(name)]
    if len(begun) == 1:
        return begun[0]
    from difflib import get_close_matches  # rarely needed, and Dag files are parsed often

    return next(iter(get_close_matches(name, others, n=1, cutoff=0.65)), None)
