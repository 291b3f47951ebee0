"""Checks: all that is wrong with an expression, as far as it can be known without evaluating, in one report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from airflow_provider_cloudfn.cel.program import Program, Reference, references, translate
from airflow_provider_cloudfn.cel.program import compile as compile_source
from airflow_provider_cloudfn.exceptions import ExpressionError, ExpressionProblem

if TYPE_CHECKING:
    from collections.abc import Collection

    from airflow_provider_cloudfn.cel.macro import Macro

__all__ = ["Check", "check"]


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


def check(source: str, *, variables: Collection[str], macros: tuple[Macro, ...] = ()) -> Check:
    """
    Check an expression; what is wrong with it is returned, not raised. A plain literal is checked without a parser.

    :param source: The expression.
    :param variables: The names of the variables that it may read.
    :param macros: Macros besides those of the language.
    """
    try:
        program = compile_source(source, variables=variables, macros=macros)
    except ExpressionError as error:
        problems = error.problems
    else:
        return Check((), program, program.references)
    try:
        compiler, _ = translate(source, frozenset(variables), macros=macros)
    except ExpressionError:  # it can't be parsed
        return Check(problems, None)
    return Check(problems, None, references(source, compiler.reads), references(source, compiler.unknown))
