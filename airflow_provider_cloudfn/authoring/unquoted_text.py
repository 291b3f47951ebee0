"""
The rule about unquoted text.

In ``uri``, ``query`` and ``headers`` a string is an expression, and static text stands in quotes. Who forgets the quotes
writes ``2024-01-01``, which is the number 2022, and surely not meant; or ``/v1/charges``, which is no expression.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from airflow_provider_cloudfn.cel import Limits, to_text
from airflow_provider_cloudfn.cel.literals import is_quoted
from airflow_provider_cloudfn.exceptions import ExpressionError, ExpressionProblem

if TYPE_CHECKING:
    from collections.abc import Collection

    from airflow_provider_cloudfn.cel import Check, Program

__all__ = ["unquoted_text"]

#: What text that has lost its quotes has not: quotes, straight or curly, and brackets.
_OF_NO_TEXT: Final = frozenset("\"'`()[]{}\u2018\u2019\u201c\u201d")
_WORDS: Final = frozenset({"true", "false", "null"})


def unquoted_text(source: str, checked: Check, variables: Collection[str]) -> ExpressionProblem | None:
    """
    Return what is wrong with an expression that looks like text without its quotes, None where it doesn't.

    One that reads no variable must be a quoted string, ``true``, ``false``, ``null``, or a number whose text is its source.

    :param checked: What a check of it found.
    """
    if checked.program is None:
        return _without_quotes(source, checked.problems[0], variables)
    problem = _constant_problem(checked.program) if checked.program.is_constant else None
    return None if problem is None else ExpressionProblem(problem, 1, 1)


def _constant_problem(program: Program) -> str | None:
    source = program.source.strip()
    if source in _WORDS or is_quoted(source):
        return None
    try:
        value = program.evaluate({}, limits=Limits(steps=10_000))
        result = to_text(value)
    except ExpressionError as error:
        # What has quotes in it is no text that has lost its own.
        remedy = "" if any(sign in source for sign in "'\"") else f"; {_remedy(source)}"
        return f"{_shown(source)} reads no variable and has no text: {error.problems[0].message}{remedy}"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if result == source:
            return None
        operation = "arithmetic" if any(sign in source[1:] for sign in "+-*/% ") else "a number"
        if operation == "a number":
            return f"{source} is a number, which is sent as {result}; {_remedy(source)}"
        return f"{_shown(source)} is arithmetic (= {result}); {_remedy(source)}"
    return f"{_shown(source)} reads no variable, so its text is known: write '{_quoted(result)}'"


def _without_quotes(source: str, first: ExpressionProblem, variables: Collection[str]) -> ExpressionProblem | None:
    bare = source.strip()
    reads = re.search(r"[A-Za-z_]\w*", bare)
    if not bare or not _OF_NO_TEXT.isdisjoint(bare) or (reads and reads[0] in variables):
        return None
    message = f"text stands in quotes: {_remedy(bare)}; without them it is an expression, and {first.message}"
    return ExpressionProblem(message, first.line, first.column)


def _remedy(text: str) -> str:
    return f"write '{_quoted(text)}'"


def _quoted(text: str) -> str:
    return '"' + _shown(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _shown(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"
