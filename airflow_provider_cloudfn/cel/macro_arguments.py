"""What macros ask of their arguments: how many there are, and that the first are names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_cloudfn.cel.syntax import Call, Identifier

if TYPE_CHECKING:
    from airflow_provider_cloudfn.cel.compiler import Compiler
    from airflow_provider_cloudfn.cel.frame import Closure

__all__ = ["variables", "wrong_count"]


def wrong_count(compiler: Compiler, node: Call, counts: list[int]) -> Closure:
    """Note that a macro got a wrong number of arguments, and return the closure that says so."""
    expected = " or ".join(map(str, counts))
    return compiler.malformed(f"{node.name}() takes {expected} arguments, got {len(node.arguments)}", node.at)


def variables(compiler: Compiler, node: Call, count: int) -> list[str] | None:
    """Return the names of the variables that a macro introduces, its first arguments; None when they are none."""
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
