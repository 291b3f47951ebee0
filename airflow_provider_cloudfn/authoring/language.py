"""
The language of a Dag author's expressions: CEL, and what Airflow and this package add to it.

Whatever compiles or checks an expression of a task does it here, so that all know the same macros and the same rules.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.authoring.event_path import CONTEXT_EVENT_PATH
from airflow_provider_cloudfn.authoring.jinja import jinja_at
from airflow_provider_cloudfn.authoring.unquoted_text import unquoted_text
from airflow_provider_cloudfn.cel.program import position
from airflow_provider_cloudfn.exceptions import ExpressionProblem

if TYPE_CHECKING:
    from collections.abc import Collection

    from airflow_provider_cloudfn.cel.macro import Macro

__all__ = ["MACROS", "check", "compile"]

#: The macros besides CEL's own.
MACROS: Final[tuple[Macro, ...]] = (CONTEXT_EVENT_PATH,)


def compile(source: str, *, variables: Collection[str]) -> cel.Program:  # its name in CEL
    """
    Compile an expression, or return the program that an earlier call made of it.

    :raises ExpressionError: with all that is wrong, as far as it can be known without evaluating.
    """
    return _compiled(source, frozenset(variables))


@lru_cache(maxsize=1_024)
def _compiled(source: str, variables: frozenset[str]) -> cel.Program:
    return cel.compile(source, variables=variables, macros=MACROS)


def check(source: str, *, variables: Collection[str], text: bool = False) -> cel.Check:
    """
    Check an expression; what is wrong with it is returned, not raised. Jinja in it is refused with what to write instead.

    :param text: Whether it stands where static text is usual, as in ``uri``, ``query`` and ``headers``, so that what
        looks like text without its quotes is refused.
    """
    return _checked(source, frozenset(variables), text)


@lru_cache(maxsize=1_024)
def _checked(source: str, variables: frozenset[str], text: bool) -> cel.Check:
    jinja = jinja_at(source)
    if jinja is not None:
        from airflow_provider_cloudfn.authoring.jinja_equivalent import equivalent

        message = f"this is an expression of CEL, in which Jinja means nothing; {equivalent(source)}"
        message += ', or mark the text with lit("…") if the braces are meant'
        return cel.Check((ExpressionProblem(message, *position(source, jinja)),), None)
    checked = cel.check(source, variables=variables, macros=MACROS)
    unquoted = unquoted_text(source, checked, variables) if text else None
    # Text without its quotes: what it reads means nothing.
    return checked if unquoted is None else cel.Check((unquoted,), None)
