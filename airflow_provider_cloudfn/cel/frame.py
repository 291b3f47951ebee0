"""The state of one evaluation, and the closures that work on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from airflow_provider_cloudfn.cel.limits import Budget, Limits

__all__ = ["Closure", "Frame"]


class Frame:
    """
    The state of one evaluation.

    :param variables: The variables, read when an expression names them.
    :param slots: How many variables its macros introduce.
    """

    __slots__ = ("budget", "locals", "variables")

    def __init__(self, variables: Mapping[str, Any], slots: int, limits: Limits) -> None:
        self.variables = variables
        self.locals: list[Any] = [None] * slots
        self.budget = Budget(limits)


#: A compiled expression: a function from the state of an evaluation to the value.
Closure: TypeAlias = Callable[[Frame], Any]
