"""
What a macro is, and what macros ask of their arguments: how many there are, and that the first are names.

This module loads no parser, so that whoever adds a macro to the language can declare it while a Dag is parsed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_cloudfn.cel.compiler import Compiler
    from airflow_provider_cloudfn.cel.frame import Closure
    from airflow_provider_cloudfn.cel.syntax import Call

__all__ = ["Builder", "Macro", "variables", "wrong_count"]

Builder: TypeAlias = "Callable[[Compiler, Call], Closure]"


class Macro(Struct, frozen=True):
    """
    A call whose arguments are not values but names and expressions.

    :param name: What it is called; one in a namespace has a dotted name.
    :param build: Makes the closure of a call. A function of a module, so that programs can be pickled.
    :param is_method: Whether it is called on a value.
    """

    name: str
    build: Builder
    is_method: bool = True


def wrong_count(compiler: Compiler, node: Call, counts: list[int]) -> Closure:
    """Note that a macro got a wrong number of arguments, and return the closure that says so."""
    expected = " or ".join(map(str, counts))
    return compiler.malformed(f"{node.name}() takes {expected} arguments, got {len(node.arguments)}", node.at)


def variables(compiler: Compiler, node: Call, count: int) -> list[str] | None:
    """Return the names of the variables that a macro introduces, its first arguments; None when they are none."""
    from airflow_provider_cloudfn.cel.syntax import Identifier

    names = []
    for argument in node.arguments[:count]:
        if not isinstance(argument, Identifier) or argument.root:
            compiler.malformed(
                f"{node.name}() begins with the name of a variable, such as x in list.map(x, x + 1)", argument.at
            )
            return None
        names.append(argument.name)
    if len(set(names)) != len(names):
        compiler.malformed(f"the two variables of {node.name}() need different names", node.arguments[1].at)
        return None
    return names
