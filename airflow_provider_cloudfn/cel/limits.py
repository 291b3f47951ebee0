"""
What an expression may cost.

Expressions come from Dag files and run over data that others send, so nothing about them may hang a worker or exhaust
its memory. Work is counted in *steps*: for each element visited one and one for each call that is made with it, one for
each 64 characters built and one for each 1,024 characters looked through. Sizes are checked before anything is built.
"""

from __future__ import annotations

from msgspec import Struct

from airflow_provider_cloudfn.cel.faults import LimitFault

__all__ = ["DEFAULT_LIMITS", "MAX_NESTING", "MAX_SOURCE_LENGTH", "Budget", "Limits"]

#: How many characters the source of an expression may have.
MAX_SOURCE_LENGTH = 65_536

#: How deep an expression may nest. Evaluation takes up to three Python frames a level, of the 1,000 there are.
MAX_NESTING = 150


class Limits(Struct, frozen=True):
    """
    The limits of one evaluation.

    :param steps: Elements visited and calls made with them, plus 1/64 of the characters built and 1/1,024 of those
        looked through. A million take a second or a few.
    :param string_length: Characters of a string, or bytes of a bytes value, that an expression builds.
    :param list_length: Elements of a list, or entries of a map, that an expression builds.
    :param format_precision: Digits after the point that ``format`` may be asked for.
    """

    steps: int = 1_000_000
    string_length: int = 10_000_000
    list_length: int = 1_000_000
    format_precision: int = 1_000


DEFAULT_LIMITS = Limits()


class Budget:
    """What is left for one evaluation."""

    __slots__ = ("left", "limits")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.left = limits.steps

    def spend(self, steps: int) -> None:
        """
        Take steps off the budget.

        :raises LimitFault: when none are left.
        """
        self.left -= steps
        if self.left < 0:
            raise LimitFault(
                f"the expression needs more than {self.limits.steps:,} steps; let it visit fewer elements, "
                "or do this work in a task"
            )

    def refund(self, steps: int) -> None:
        """Put steps back that were taken and are not needed."""
        self.left += steps

    def text(self, length: int) -> None:
        """
        Account for a string or bytes value that is about to be built.

        :raises LimitFault: when that is too long.
        """
        if length > 63:
            if length > self.limits.string_length:
                raise LimitFault(
                    f"text of {length:,} characters is longer than the limit of {self.limits.string_length:,}"
                )
            self.spend(length >> 6)

    def elements(self, length: int) -> None:
        """
        Account for a list or map that is about to be built.

        :raises LimitFault: when those are too many.
        """
        if length > self.limits.list_length:
            raise LimitFault(f"a list of {length:,} elements is longer than the limit of {self.limits.list_length:,}")
        self.spend(length)

    def scan(self, length: int) -> None:
        """Account for text or a collection that is about to be looked through."""
        if length > 1023:
            self.spend(length >> 10)
