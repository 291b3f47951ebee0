"""
What goes wrong while an expression is evaluated, before it becomes an :class:`ExpressionError`.

A fault is raised by whoever sees it, without position, and gets the position of the operator, call or field on its
way out; ``||``, ``&&`` and the quantifiers absorb faults as the specification demands, except those of limits. Messages
name types and paths, never values.
"""

from __future__ import annotations

from airflow_provider_cloudfn.exceptions import ExpressionError, ExpressionLimitError

__all__ = ["Fault", "LimitFault", "carried"]


class Fault(Exception):  # noqa: N818  # an error is what users see: ExpressionError
    """
    An evaluation can't go on.

    :param message: What is wrong, without any value of the context.
    :param at: Where, as an offset into the source; None until it is known.
    :param error: The error of a lazy variable that this fault carries, if it is one.
    """

    def __init__(self, message: str, at: int | None = None, error: ExpressionError | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.at = at
        self.error = error

    def locate(self, at: int) -> None:
        """Remember where this happened, unless something further inside already did."""
        if self.at is None:
            self.at = at


class LimitFault(Fault):
    """A limit is exceeded; nothing absorbs this."""


def carried(error: ExpressionError, at: int) -> Fault:
    """Return the error of a lazy variable as a fault."""
    kind = LimitFault if isinstance(error, ExpressionLimitError) else Fault
    return kind(error.message, at, error)
