"""What the names of a Python file stand for, as far as its imports say."""

from __future__ import annotations

import ast

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
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                self._homes.update({one.asname or one.name: f"{node.module}.{one.name}" for one in node.names})
            elif isinstance(node, ast.Import):
                self._homes.update({one.asname or one.name.partition(".")[0]: _home(one) for one in node.names})
            elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                bound.add(node.id)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                bound.add(node.name)
            elif isinstance(node, ast.arg):
                bound.add(node.arg)
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


def _home(one: ast.alias) -> str:
    return one.name if one.asname else one.name.partition(".")[0]
