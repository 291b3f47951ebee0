"""What is written in Python, in JavaScript and in SQL, and means nothing in CEL: with what is written here instead."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["INSTEAD_OF_NULL", "foreign_at"]

#: What gives another value for null. A field that is there and null is no field that is missing.
INSTEAD_OF_NULL: Final = "x == null ? … : x, or x.?y.orValue(…) where y may be missing"

#: What may stand there, and what to write. The first that covers the place at which the parser stopped is meant; where a group
#: is marked, that is what is told.
_FOREIGN: Final = tuple(
    (re.compile(pattern), remedy)
    for pattern, remedy in (
        (r"\bis\s+not\b", "write !="),
        (r"\bnot\s+in\b", "write !(x in list)"),
        (r"\bis\b", "write =="),
        (r"\band\b", "write &&"),
        (r"\bor\b", "write ||"),
        (r"((?<!\.)\bnot\b)\s*[\w(]?", "write !"),
        (r"\bif\b", "write condition ? a : b"),
        (r"\bfor\b", "write list.map(x, …), or list.filter(x, …)"),
        (r"(\blambda\b)\s*\w?", "write the name first, as in list.map(x, …)"),
        (r"=>|->", "write the name first, as in list.map(x, …), and a field as x.y"),
        (r"<>|!==", "write !="),
        (r"===", "write =="),
        (r"\*\*", "write x * x"),
        (r"\?\?", f"write {INSTEAD_OF_NULL}"),
        # It is read as a condition without its `:`, which is missed behind the field.
        (r"(\?\.)(?:[^?:\"']*\n\Z|[\w.]*\s*[^\w.:])", "write x.?y"),
        (r"\[\s*\*?\s*\]", "write list.map(x, …)"),
        (r"\[[^\[\]]*:", "a part of a list is list.slice(from, to), and of a text text.substring(from, to)"),
        (r"\b[fF][\"']", "text and values are put together as in 'a' + string(x), or as in '%s'.format([x])"),
        (r"[\u2018\u2019\u201c\u201d\u201e]", "it is a curly quote, as word processors write them: write \" or '"),
        (r"\$", "a path begins with a variable, as in x.y"),
    )
)


def foreign_at(source: str, at: int) -> tuple[str, int] | None:
    """
    Return what is said of what another language means at a place, and where that begins; None where it is nothing known.

    :param source: An expression that can't be parsed.
    :param at: Where the parser stopped.
    """
    for pattern, remedy in _FOREIGN:
        for found in pattern.finditer(f"{source}\n"):  # The parser can stop at the end.
            if found.start() <= at < found.end():
                return f"unexpected {found[found.lastindex or 0].strip()[:30]!r}; {remedy}", found.start()
    return None
