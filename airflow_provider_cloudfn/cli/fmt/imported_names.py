"""What the names of a Python file stand for, as far as its imports say."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ImportedNames"]


class ImportedNames:
    """
    The imported names of a file. One that is bound again anywhere in the file, whatever for, is not among them.

    :param tree: The file.
    """

    def __init__(self, tree: ast.AST) -> None:
        self._homes: dict[str, str] = {}
        bound: set[str] = set()
        stars: list[int] = []
        lines: dict[str, int] = {}
        for node in ast.walk(tree):
            for name, home, line in _imported(node):
                if name != "*":
                    # The same of one package may have moved in it: `task` of Airflow.
                    if _ends(self._homes.setdefault(name, home)) != _ends(home):
                        bound.add(name)
                    lines.setdefault(name, line)
                elif not home.startswith("airflow_provider_cloudfn."):
                    stars.append(line)
            bound |= _bound(node)
        # What the star of somebody's module brings can be called anything.
        bound |= {name for name, line in lines.items() if any(star > line for star in stars)}
        for name in bound & self._homes.keys():
            del self._homes[name]

    def path(self, node: ast.expr) -> tuple[str, ...]:
        """
        Return what an expression such as ``cloudfn.Pages.cursor`` names, from the package on; nothing for any other.

        :param node: The expression.
        """
        if isinstance(node, ast.Name):
            return tuple(self._homes[node.id].split(".")) if node.id in self._homes else ()
        if isinstance(node, ast.Attribute) and (path := self.path(node.value)):
            return (*path, node.attr)
        return ()


def _imported(node: ast.AST) -> Iterator[tuple[str, str, int]]:
    """Yield the names that an import binds, each with what it stands for, and the line."""
    if isinstance(node, ast.ImportFrom):
        module = "." * node.level + (node.module or "")
        yield from ((one.asname or one.name, f"{module}.{one.name}", node.lineno) for one in node.names)
    elif isinstance(node, ast.Import):
        yield from ((one.asname or one.name.partition(".")[0], _home(one), node.lineno) for one in node.names)


def _bound(node: ast.AST) -> set[str]:
    """Return the names that a node binds itself, otherwise than by an import."""
    if isinstance(node, ast.Name):
        return set() if isinstance(node.ctx, ast.Load) else {node.id}
    if isinstance(node, ast.arg):
        return {node.arg}
    if isinstance(node, ast.MatchMapping):
        return {node.rest} if node.rest else set()
    # A function, a class, `except … as`, a part of a pattern, a type parameter (Python 3.12).
    name = getattr(node, "name", None)
    return {name} if isinstance(name, str) and not isinstance(node, ast.alias) else set()


def _ends(home: str) -> tuple[str, str]:
    return home.partition(".")[0], home.rpartition(".")[2]


def _home(one: ast.alias) -> str:
    return one.name if one.asname else one.name.partition(".")[0]
