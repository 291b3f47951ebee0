"""
The macros of optional values: ``or``, ``orValue``, ``optMap`` and ``optFlatMap``.

They are macros because they evaluate their argument only when it is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.cel.faults import Fault
from airflow_provider_cloudfn.cel.macro import variables, wrong_count
from airflow_provider_cloudfn.cel.values import KIND, Optional

if TYPE_CHECKING:
    from airflow_provider_cloudfn.cel.compiler import Compiler
    from airflow_provider_cloudfn.cel.frame import Closure, Frame
    from airflow_provider_cloudfn.cel.syntax import Call

__all__ = ["alternative", "opt_map"]


def alternative(compiler: Compiler, node: Call) -> Closure:
    """``a.or(b)`` is the first optional that has a value; ``a.orValue(b)`` the optional's value, or what is given instead."""
    flat = node.name == "or"
    if len(node.arguments) != 1 or node.target is None:
        return wrong_count(compiler, node, [1])
    target, other, name, at = compiler.compile(node.target), compiler.compile(node.arguments[0]), node.name, node.at

    def evaluate(frame: Frame) -> Any:
        optional = target(frame)
        if not isinstance(optional, Optional):
            raise Fault(f"{name}() is called on an optional, such as a.?b, got {KIND[type(optional)]}", at)
        if optional.present:
            return optional if flat else optional.value
        result = other(frame)
        if flat and not isinstance(result, Optional):
            raise Fault(f"or() takes an optional, got {KIND[type(result)]}; orValue() takes any value", at)
        return result

    return evaluate


def opt_map(compiler: Compiler, node: Call) -> Closure:
    """``optMap`` and ``optFlatMap``: the body sees the value, where there is one."""
    if len(node.arguments) != 2:
        return wrong_count(compiler, node, [2])
    assert node.target is not None  # noqa: S101  # a macro of this kind is called on a value
    names = variables(compiler, node, 1)
    target, flat, at = compiler.compile(node.target), node.name == "optFlatMap", node.at
    if names is None:
        return target
    (slot,), (body,) = compiler.within(names, node.arguments[1:])

    def evaluate(frame: Frame) -> Optional:
        optional = target(frame)
        if not isinstance(optional, Optional):
            raise Fault(f"{node.name}() is called on an optional, got {KIND[type(optional)]}", at)
        if not optional.present:
            return Optional.NONE
        frame.locals[slot] = optional.value
        result = body(frame)
        if not flat:
            return Optional(result)
        if isinstance(result, Optional):
            return result
        raise Fault(f"optFlatMap() needs an optional from its body, got {KIND[type(result)]}", at)

    return evaluate
