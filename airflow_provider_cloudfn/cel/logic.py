"""``&&``, ``||`` and ``? :``. An error on one side of ``&&`` or ``||`` does not count when the other side decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.cel.faults import Fault, LimitFault
from airflow_provider_cloudfn.cel.values import KIND

if TYPE_CHECKING:
    from airflow_provider_cloudfn.cel.frame import Closure, Frame

__all__ = ["conditional", "logical"]


def logical(operator: str, operands: list[Closure], at: int) -> Closure:
    """Return the closure of ``a && b && …`` or ``a || b || …``."""
    decisive = operator == "||"

    def evaluate(frame: Frame) -> bool:
        fault: Fault | None = None
        for operand in operands:
            try:
                value = operand(frame)
            except LimitFault:
                raise
            except Fault as error:
                fault = fault or error
                continue
            if value is decisive:
                return bool(decisive)
            if value is not True and value is not False:
                fault = fault or Fault(f"'{operator}' needs bool on both sides, got {KIND[type(value)]}", at)
        if fault is not None:
            raise fault
        return not decisive

    return evaluate


def conditional(condition: Closure, yes: Closure, no: Closure, at: int) -> Closure:
    """Return the closure of ``condition ? yes : no``, which evaluates one of the two."""

    def evaluate(frame: Frame) -> Any:
        value = condition(frame)
        if value is True:
            return yes(frame)
        if value is False:
            return no(frame)
        raise Fault(f"the condition before '?' must be bool, got {KIND[type(value)]}", at)

    return evaluate
