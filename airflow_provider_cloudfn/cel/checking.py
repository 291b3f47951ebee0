"""
Checks of expressions while a Dag is parsed.

Its author is looking then, so all that can be known without evaluating is said, in one report. A plain literal is
checked without loading a parser.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from airflow_provider_cloudfn.cel.limits import Limits
from airflow_provider_cloudfn.cel.literals import is_quoted
from airflow_provider_cloudfn.cel.program import Program, Reference, position, references, translate
from airflow_provider_cloudfn.cel.program import compile as compile_source
from airflow_provider_cloudfn.exceptions import ExpressionError, ExpressionProblem

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["Check", "check", "jinja_at"]

_WORDS: Final = frozenset({"true", "false", "null"})
_JINJA: Final = ("{{", "{%", "{#")


class Check(Struct, frozen=True):
    """
    What a check found.

    :param problems: What is wrong, in the order of the source.
    :param program: The program, when nothing is.
    :param references: What it reads, with the place of each, whatever is wrong with it; empty where it can't be parsed.
    :param unknown: The names that nobody knows, and what is read of each.
    """

    problems: tuple[ExpressionProblem, ...]
    program: Program | None
    references: tuple[Reference, ...] = ()
    unknown: tuple[Reference, ...] = ()


def jinja_at(text: str) -> int | None:
    """
    Return where Jinja begins in a text, None where there is none.

    :param text: An expression, or text.
    """
    if "{" not in text:
        return None
    return min((at for mark in _JINJA if (at := text.find(mark)) >= 0), default=None)


def check(source: str, *, variables: Collection[str], text: bool = False) -> Check:
    """
    Check an expression; what is wrong with it is returned, not raised.

    :param source: The expression.
    :param variables: The names of the variables that it may read.
    :param text: Whether it stands where static text is usual, as in ``uri``, ``query`` and ``headers``. Then one that
        reads no variable must be a quoted string, ``true``, ``false``, ``null``, or a number whose text is its source:
        ``2024-01-01`` is the number 2022, and surely not meant.
    """
    return _checked(source, frozenset(variables), text=text)


@lru_cache(maxsize=1_024)
def _checked(source: str, variables: frozenset[str], *, text: bool) -> Check:
    jinja = jinja_at(source)
    if jinja is not None:
        from airflow_provider_cloudfn.cel.jinja import equivalent

        message = f"this is an expression of CEL, in which Jinja means nothing; {equivalent(source)}"
        message += ', or mark the text with lit("…") if the braces are meant'
        return Check((ExpressionProblem(message, *position(source, jinja)),), None)
    try:
        program = compile_source(source, variables=variables)
    except ExpressionError as error:
        return _failed(source, error.problems, variables, text=text)
    problem = _constant_problem(program) if text and program.is_constant else None
    if problem is not None:
        return Check((ExpressionProblem(problem, 1, 1),), None)
    return Check((), program, program.references)


def _failed(source: str, problems: tuple[ExpressionProblem, ...], variables: Collection[str], *, text: bool) -> Check:
    """Return what is known of an expression that doesn't compile."""
    if text and (explained := _explained(source, problems, variables)) is not None:
        # Text without its quotes: what it reads means nothing.
        return Check((explained,), None)
    try:
        compiler, _ = translate(source, frozenset(variables))
    except ExpressionError:  # it can't be parsed
        return Check(problems, None)
    return Check(problems, None, references(source, compiler.reads), references(source, compiler.unknown))


def _constant_problem(program: Program) -> str | None:
    """Return what is wrong with an expression that reads no variable, where it stands for text."""
    source = program.source.strip()
    if source in _WORDS or is_quoted(source):
        return None
    from airflow_provider_cloudfn.cel.text import to_text

    try:
        value = program.evaluate({}, limits=Limits(steps=10_000))
        result = to_text(value)
    except ExpressionError:
        return f"{_shown(source)} reads no variable and has no text; {_remedy(source)}"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if result == source:
            return None
        operation = "arithmetic" if any(sign in source[1:] for sign in "+-*/% ") else "a number"
        if operation == "a number":
            return f"{source} is a number, which is sent as {result}; {_remedy(source)}"
        return f"{_shown(source)} is arithmetic (= {result}); {_remedy(source)}"
    return f"{_shown(source)} reads no variable, so its text is known: write '{_quoted(result)}'"


def _explained(
    source: str, problems: tuple[ExpressionProblem, ...], variables: Collection[str]
) -> ExpressionProblem | None:
    """Return the one problem, with its remedy, of a source that looks like text without its quotes."""
    bare = source.strip()
    reads = re.search(r"[A-Za-z_]\w*", bare)
    if not bare or any(character in bare for character in "\"'`()[]{}") or (reads and reads[0] in variables):
        return None
    first = problems[0]
    message = f"text stands in quotes: {_remedy(bare)}; without them it is an expression, and {first.message}"
    return ExpressionProblem(message, first.line, first.column)


def _remedy(text: str) -> str:
    return f"write '{_quoted(text)}'"


def _quoted(text: str) -> str:
    return '"' + _shown(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _shown(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"
