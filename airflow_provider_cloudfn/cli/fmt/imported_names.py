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
        for node in ast.walk(tree):
            for name, home in _imported(node):
                if _package(self._homes.setdefault(name, home)) != _package(home):
                    bound.add(name)
                self._homes[name] = home
            bound.update(_bound(node))
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


def _imported(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield the names that an import binds, and what each stands for."""
    if isinstance(node, ast.ImportFrom):
        module = "." * node.level + (node.module or "")
        yield from ((one.asname or one.name, f"{module}.{one.name}") for one in node.names)
    elif isinstance(node, ast.Import):
        yield from (
            (one.asname or _package(one.name), one.name if one.asname else _package(one.name)) for one in node.names
        )


def _bound(node: ast.AST) -> Iterator[str]:
    """Yield the names that anything but an import binds."""
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest
    elif isinstance(name := getattr(node, "name", None), str) and not isinstance(node, ast.alias):
        # A function, a class, a caught exception, what a pattern has matched, a type's parameter.
        yield name


def _package(home: str) -> str:
    return home.partition(".")[0]
