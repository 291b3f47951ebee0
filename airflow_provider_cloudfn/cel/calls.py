"""Calls: closures that evaluate the arguments, look up the overload that takes them, and call it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn.cel.faults import Fault, carried
from airflow_provider_cloudfn.cel.values import KIND
from airflow_provider_cloudfn.exceptions import ExpressionError

if TYPE_CHECKING:
    from airflow_provider_cloudfn.cel.frame import Closure, Frame
    from airflow_provider_cloudfn.cel.registry import Overloads

__all__ = ["MISTAKES", "call", "located"]

#: What a function may look through in whole; functions of lists account for their elements themselves.
_LONG: Final = frozenset({str, bytes})

#: What a function raises when it can't take a value, besides a fault. Anything else is no matter of the expression: an
#: outage behind a lazy variable, or an error of ours.
MISTAKES: Final = (Fault, ValueError, TypeError, ArithmeticError)


def located(error: Exception, name: str, at: int) -> Fault:
    """
    Return an exception of :data:`MISTAKES` as a fault that knows where it happened.

    :param name: The function, for a message: the exception's own may quote a value.
    """
    if isinstance(error, Fault):
        error.locate(at)
        return error
    if isinstance(error, ExpressionError):  # of a lazy variable
        return carried(error, at)
    return Fault(f"{name} can't be applied to these values", at)


def call(overloads: Overloads, arguments: list[Closure], at: int) -> Closure:
    """
    Return the closure of a call.

    :param overloads: The overloads with this number of arguments, or with any number.
    """
    if overloads.variadic:
        return _variadic(overloads, arguments, at)
    if len(arguments) == 2:
        return _two(overloads, arguments[0], arguments[1], at)
    if len(arguments) == 1:
        return _one(overloads, arguments[0], at)
    return _any(overloads, arguments, at)


def _one(overloads: Overloads, argument: Closure, at: int) -> Closure:
    name, takes_budget = overloads.name, overloads.takes_budget

    def evaluate(frame: Frame) -> Any:
        value = argument(frame)
        try:
            if type(value) in _LONG and len(value) > 1023:
                frame.budget.spend(len(value) >> 10)
            implementation = overloads[(KIND[type(value)],)]
            return implementation(frame.budget, value) if takes_budget else implementation(value)
        except MISTAKES as error:
            raise located(error, name, at) from None

    return evaluate


def _two(overloads: Overloads, left: Closure, right: Closure, at: int) -> Closure:
    name, takes_budget = overloads.name, overloads.takes_budget

    def evaluate(frame: Frame) -> Any:
        value, other = left(frame), right(frame)
        try:
            if type(value) in _LONG and len(value) > 1023:
                frame.budget.spend(len(value) >> 10)
            if type(other) in _LONG and len(other) > 1023:
                frame.budget.spend(len(other) >> 10)
            implementation = overloads[KIND[type(value)], KIND[type(other)]]
            return implementation(frame.budget, value, other) if takes_budget else implementation(value, other)
        except MISTAKES as error:
            raise located(error, name, at) from None

    return evaluate


def _any(overloads: Overloads, arguments: list[Closure], at: int) -> Closure:
    name, takes_budget = overloads.name, overloads.takes_budget

    def evaluate(frame: Frame) -> Any:
        values = [argument(frame) for argument in arguments]
        try:
            for value in values:
                if type(value) in _LONG and len(value) > 1023:
                    frame.budget.spend(len(value) >> 10)
            implementation = overloads[tuple([KIND[type(value)] for value in values])]
            return implementation(frame.budget, *values) if takes_budget else implementation(*values)
        except MISTAKES as error:
            raise located(error, name, at) from None

    return evaluate


def _variadic(overloads: Overloads, arguments: list[Closure], at: int) -> Closure:
    name, implementation, takes_budget = overloads.name, overloads.declared[0][1], overloads.takes_budget

    def evaluate(frame: Frame) -> Any:
        values = [argument(frame) for argument in arguments]
        try:
            return implementation(frame.budget, *values) if takes_budget else implementation(*values)
        except MISTAKES as error:
            raise located(error, name, at) from None

    return evaluate
