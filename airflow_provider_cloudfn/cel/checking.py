"""first version"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from airflow_provider_cloudfn.cel.program import Program, compile as compile_source
from airflow_provider_cloudfn.exceptions import ExpressionError, ExpressionProblem

__all__ = ["Check", "check"]


@dataclass(frozen=True, slots=True)
class Check:
    problems: tuple[ExpressionProblem, ...]
    program: Program | None


def check(source: str, *, variables: Collection[str], text: bool = False) -> Check:
    try:
        program = compile_source(source, variables=variables)
    except ExpressionError as error:
        return Check(error.problems, None)
    return Check((), program)
