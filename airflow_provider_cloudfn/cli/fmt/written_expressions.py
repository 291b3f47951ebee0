"""
Finds the expressions that stand in a Dag file as literal text: in calls of our operators, decorators and value objects.

Nothing of the file is run. What is written is read as a running Dag's parameters are, by the same declarations; a text brings its
place along, and what is no literal is a value of which nothing is known.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

import airflow_provider_cloudfn as package
from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.authoring.emit import SEVERAL_EVENTS, Emit
from airflow_provider_cloudfn.authoring.options import OPTIONS, parts_of
from airflow_provider_cloudfn.authoring.parameter import Parameter, Reading
from airflow_provider_cloudfn.authoring.reading import read
from airflow_provider_cloudfn.authoring.written import formulas
from airflow_provider_cloudfn.cli.fmt.imported_names import ImportedNames
from airflow_provider_cloudfn.operators.decorated import DecoratedCloudFunction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from airflow_provider_cloudfn.authoring.written import Formula

__all__ = ["WrittenExpression", "written_expressions"]

#: The mark ``cel("…")`` is an expression wherever it stands.
_MARKED: Final = Parameter("cel", Reading.VALUE)


class WrittenExpression(Struct, frozen=True):
    """
    An expression in a Dag file.

    :param node: The literal that holds it.
    :param source: The expression.
    :param formula: The expression as it is read.
    :param declared: What is declared of the parameter in which it stands.
    :param is_whole: Whether it is all that is written for the parameter, and not a part of a dict or a list.
    :param is_key: Whether it is a key of a dict, and an expression only because it begins with a quote.
    """

    node: ast.Constant
    source: str
    formula: Formula
    declared: Parameter
    is_whole: bool
    is_key: bool


def written_expressions(tree: ast.AST) -> list[WrittenExpression]:
    """
    Return the expressions of a Dag file, in its order.

    :param tree: The file.
    """
    names = ImportedNames(tree)
    found: dict[int, WrittenExpression] = {}
    for call in _calls(tree):
        for declared, value in _declared_in(call, names):
            for formula in formulas(read(declared, value)):
                text = formula.source
                if isinstance(text, _Text):
                    one = WrittenExpression(text.node, str(text), formula, declared, value is text, text.is_key)
                    found.setdefault(id(text.node), one)
    return sorted(found.values(), key=lambda one: (one.node.lineno, one.node.col_offset))


class _Text(str):
    """A text, the literal in which it stands, and whether that is a key."""

    __slots__ = ("is_key", "node")
    is_key: bool
    node: ast.Constant


class _Unknown:
    """What is known only when the file is run."""


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    """Yield the calls of a file but those inside of f-strings, where Python does not tell their place."""
    left = [tree]
    while left:
        node = left.pop()
        if isinstance(node, ast.Call):
            yield node
        if not isinstance(node, ast.JoinedStr):
            left.extend(ast.iter_child_nodes(node))


def _declared_in(call: ast.Call, names: ImportedNames) -> Iterator[tuple[Parameter, Any]]:
    """Yield what can hold expressions of what is given to a call, and what is written there."""
    kind, method = _meant(call.func, names)
    parameters = {parameter.name: parameter for parameter in getattr(kind, "authored_parameters", ())}
    if parameters and method in ((), ("partial",)):
        yield from _with_parts(parameters, _keywords(call, names))
    elif kind is package.cel and not method and len(call.args) == 1:
        yield _MARKED, _value(call.args[0], names)
    elif isinstance(kind, type) and issubclass(kind, OPTIONS):
        yield from _of_option(kind, method, call, names)
    elif isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Call):
        kind, method = _meant(call.func.value.func, names)
        parameters = {parameter.name: parameter for parameter in getattr(kind, "authored_parameters", ())}
        if method == ("partial",):
            for row in _rows(call.func.attr, call, names):
                yield from _with_parts(parameters, row)


def _meant(function: ast.expr, names: ImportedNames) -> tuple[Any, tuple[str, ...]]:
    """Return what of ours a called name stands for, and what is called of it; None for what is not ours."""
    path = names.path(function)
    if path[:1] == ("airflow",) and path[-2:] == ("task", "cloudfn"):
        return DecoratedCloudFunction, ()
    if path[:1] == (package.__name__,):
        for index, name in enumerate(path):
            # `cel` is a package, too, in which other names are.
            if name in package.__all__ and (name != "cel" or index == len(path) - 1):
                return getattr(package, name), path[index + 1 :]
    return None, ()


def _with_parts(parameters: Mapping[str, Parameter], given: Mapping[Any, Any]) -> Iterator[tuple[Parameter, Any]]:
    for name, value in given.items():
        parameter = parameters.get(name)
        for declared, part in ((parameter, value), *parts_of(name, value)) if parameter is not None else ():
            if declared.reading is not None and part is not None:
                yield declared, part


def _rows(method: str, call: ast.Call, names: ImportedNames) -> Iterator[Mapping[Any, Any]]:
    """Yield what the instances of a mapped task are given, one by one."""
    if method == "expand":
        for name, values in _keywords(call, names).items():
            for value in values if isinstance(values, list) else ():
                yield {name: value}
    if method == "expand_kwargs" and call.args:
        rows = _value(call.args[0], names)
        yield from (row for row in (rows if isinstance(rows, list) else ()) if isinstance(row, dict))


def _of_option(
    kind: type, method: tuple[str, ...], call: ast.Call, names: ImportedNames
) -> Iterator[tuple[Parameter, Any]]:
    """Yield the parts of a value object, as it is made."""
    make: Callable[..., Any] = getattr(kind, method[0]) if method else kind
    arguments = [_value(one, names) for one in call.args]
    given = _keywords(call, names)
    known = {name: value for name, value in given.items() if not isinstance(value, _Unknown)}
    for keywords in (given, known):
        try:
            option = make(*arguments, **keywords)
        except Exception:  # noqa: S112 - whoever runs the file is told what is wrong with it
            continue
        name = kind.__name__
        parts = parts_of(SEVERAL_EVENTS, {name: option}) if kind is Emit else parts_of(name, option)
        yield from ((declared, part) for declared, part in parts if declared.reading is not None and part is not None)
        return


def _keywords(call: ast.Call, names: ImportedNames) -> dict[str, Any]:
    return {one.arg: _value(one.value, names) for one in call.keywords if one.arg is not None}


def _value(node: ast.expr, names: ImportedNames) -> Any:
    """Return what stands in the file as a value."""
    if isinstance(node, ast.Constant):
        return _text(node) if isinstance(node.value, str) else node.value
    if isinstance(node, (ast.List, ast.Tuple)):
        return [_value(one, names) for one in node.elts]
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return {_key(key, names): _value(value, names) for key, value in pairs if key is not None}
    if isinstance(node, ast.Call) and len(node.args) == 1 and isinstance(node.args[0], ast.Constant):
        kind, method = _meant(node.func, names)
        text = node.args[0]
        if not method and isinstance(text.value, str):
            if kind is package.cel:
                return cel.Expression(_text(text))
            if kind is package.lit:
                return cel.Literal(text.value)
    return _Unknown()


def _key(node: ast.expr, names: ImportedNames) -> Any:
    key = _value(node, names)
    if isinstance(key, _Text):
        key.is_key = True
    return _Unknown() if isinstance(key, (list, dict)) else key


def _text(node: ast.Constant) -> _Text:
    text = _Text(node.value)
    text.node, text.is_key = node, False
    return text
