"""
From syntax tree to closures.

:class:`Compiler` knows the names; each kind of node has one small method here, which asks the modules :mod:`access`,
:mod:`calls`, :mod:`displays`, :mod:`logic` and :mod:`macros` for the closure. All problems of a source are collected,
and reported together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from airflow_provider_cloudfn.cel import access, displays, functions, logic, suggestions, syntax
from airflow_provider_cloudfn.cel.calls import call
from airflow_provider_cloudfn.cel.faults import Fault
from airflow_provider_cloudfn.cel.frame import Frame
from airflow_provider_cloudfn.cel.limits import DEFAULT_LIMITS
from airflow_provider_cloudfn.cel.literals import LiteralError, decode
from airflow_provider_cloudfn.cel.macros import MACROS
from airflow_provider_cloudfn.cel.values import TYPES, CelType

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from airflow_provider_cloudfn.cel.frame import Closure
    from airflow_provider_cloudfn.cel.macro import Macro

__all__ = ["Compiler", "Read"]

_TYPE_NAMES: Final[dict[str, CelType]] = {kind.name: kind for kind in TYPES.values()}


#: What a call weighs, where other nodes weigh 1. An element of a loop costs a step for each 4 that its body weighs.
_CALL_WEIGHT: Final = 4

#: Functions that are evaluated once when their arguments are literals, as in ``duration("24h")``.
_FOLDED: Final = frozenset({"duration", "timestamp"})

#: How many problems of one source are reported.
_MOST_PROBLEMS: Final = 20


#: A static path that an expression reads, where its first name stands, and whether its last name is only asked for.
Read: TypeAlias = tuple[tuple[str, ...], int, bool]


class Compiler:
    """
    Compiles one expression.

    :param variables: The declared variables; a name may have dots.
    :param container: The namespace in which names are looked up first, as in the specification.
    :param macros: Macros besides those of the language.
    """

    def __init__(self, variables: Collection[str], container: str = "", macros: tuple[Macro, ...] = ()) -> None:
        self.macros = MACROS | {macro.name: macro for macro in macros} if macros else MACROS
        self.variables = variables
        self.container = container
        self.dotted = any("." in name for name in variables)
        self.problems: list[tuple[int, str]] = []
        self.is_malformed = False
        self.reads: list[Read] = []
        self.unknown: list[Read] = []
        self.slots = 0
        self.weight = 0
        self._locals: dict[str, int] = {}

    def compile(self, node: syntax.Node) -> Closure:
        """Return the closure of a node; what is wrong with it is added to ``problems``."""
        self.weight += _CALL_WEIGHT if type(node) is syntax.Call else 1
        return _NODES[type(node)](self, node)

    def problem(self, message: str, at: int) -> Closure:
        """Note a problem, and return the closure that fails with it, should it be evaluated nevertheless."""
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append((at, message))

        def fail(_frame: Frame) -> Any:
            raise Fault(message, at)

        return fail

    def malformed(self, message: str, at: int) -> Closure:
        """Note a problem without which there is nothing to evaluate: a bad literal, or a macro without its names."""
        self.is_malformed = True
        return self.problem(message, at)

    def within(self, names: list[str], bodies: list[syntax.Node]) -> tuple[list[int], list[Closure]]:
        """
        Compile what a macro evaluates, in which it introduces variables.

        :returns: The slots of the variables, and the closures.
        """
        before = {name: self._locals.get(name) for name in names}
        slots = list(range(self.slots, self.slots + len(names)))
        self.slots += len(names)
        self._locals.update(zip(names, slots, strict=True))
        try:
            return slots, [self.compile(body) for body in bodies]
        finally:
            for name, slot in before.items():
                if slot is None:
                    self._locals.pop(name, None)
                else:
                    self._locals[name] = slot

    # names

    def _identifier(self, node: syntax.Identifier) -> Closure:
        return self.path(node, [])

    def _select(self, node: syntax.Select) -> Closure:
        if node.optional:
            return access.optional_field(self.operand(node.operand, node.field), node.field, node.at)
        chain = self.chain(node)
        if chain is not None:
            return self.path(*chain)
        return access.field(self.compile(node.operand), node.field, node.at)

    def _index(self, node: syntax.Index) -> Closure:
        if node.optional:
            operand = self.operand(node.operand, self.text(node.key))
            return access.optional_index(operand, self.compile(node.key), node.at)
        chain = self.chain(node)
        if chain is not None:
            return self.path(*chain)
        chain = self.chain(node.operand)
        names = [chain[0].name, *(name for name, _ in chain[1])] if chain else []
        return access.index(self.compile(node.operand), self.compile(node.key), node.at, names)

    def operand(self, node: syntax.Node, asked: str | None) -> Closure:
        """Return the closure of what is asked for a field that need not be there, which belongs to the path that is read."""
        chain = self.chain(node)
        return self.compile(node) if chain is None or asked is None else self.path(*chain, beyond=asked)

    def chain(self, node: syntax.Node) -> tuple[syntax.Identifier, list[tuple[str, int]]] | None:
        """
        Return the name that a node begins with and the fields that it reads one after the other, if it is such a path.

        :param node: ``a``, ``a.b`` or ``a["b"].c``.
        """
        fields: list[tuple[str, int]] = []
        while True:
            if isinstance(node, syntax.Identifier):
                fields.reverse()
                return node, fields
            if isinstance(node, syntax.Select) and not node.optional:
                fields.append((node.field, node.at))
            elif isinstance(node, syntax.Index) and not node.optional and (key := self.text(node.key)) is not None:
                fields.append((key, node.key.at))
            else:
                return None
            node = node.operand

    def path(self, root: syntax.Identifier, fields: list[tuple[str, int]], beyond: str | None = None) -> Closure:
        """
        Return the closure that reads a path.

        :param root: Its first name.
        :param fields: The fields, and where each stands.
        :param beyond: A further field that is asked for, which belongs to the path that is read.
        """
        slot = None if root.root else self._locals.get(root.name)
        if slot is not None:
            return access.local_path(slot, root.name, fields) if fields else access.local(slot)
        for count in range(len(fields) if self.dotted or root.name not in self.variables else 0, -1, -1):
            name = ".".join([root.name, *(field for field, _ in fields[:count])])
            declared = self._declared(name, absolute=root.root)
            if declared is not None:
                rest = fields[count:]
                names = (declared, *(field for field, _ in rest), *(() if beyond is None else (beyond,)))
                self.reads.append((names, root.at, beyond is not None))
                return access.path(declared, root.at, rest) if rest else access.variable(declared, root.at)
            if name in _TYPE_NAMES and count == len(fields):
                value = _TYPE_NAMES[name]
                return lambda _frame: value
        self.unknown.append(((root.name, *(field for field, _ in fields)), root.at, False))
        return self.problem(suggestions.unknown_name(root.name, [*self._locals, *self.variables]), root.at)

    def text(self, node: syntax.Node) -> str | None:
        """Return the text of a node that is a string literal."""
        if isinstance(node, syntax.Token) and node.kind == "STRING":
            try:
                return str(decode(node.kind, node.text))
            except LiteralError:
                return None
        return None

    def _declared(self, name: str, *, absolute: bool) -> str | None:
        if self.container and not absolute:
            parts = self.container.split(".")
            for end in range(len(parts), 0, -1):
                candidate = ".".join([*parts[:end], name])
                if candidate in self.variables:
                    return candidate
        return name if name in self.variables else None

    # calls

    def _call(self, node: syntax.Call) -> Closure:
        qualified = self._qualified(node)
        macro = self._macro(node, qualified)
        if macro is not None:
            return macro.build(self, node)
        target: list[syntax.Node] = []
        if qualified is not None and (arities := functions.function(qualified)) is not None:
            kind = "function"
        elif qualified is not None and self._is_of_library(qualified):
            kind, arities = "function", None
        elif node.target is not None:
            target, kind = [node.target], "method"
            arities = functions.method(node.name)
        else:
            kind = "function"
            arities = functions.function(node.name)
        arguments = [self.compile(argument) for argument in [*target, *node.arguments]]
        if arities is None:
            return self.problem(suggestions.unknown_function(node.name, qualified, kind, self.macros), node.at)
        overloads = arities.get(len(arguments), arities.get(-1))
        if overloads is None:
            counts = " or ".join(str(count - len(target)) for count in sorted(arities))
            counts += " argument" if counts == "1" else " arguments"
            name = qualified if qualified and not target else node.name
            return self.problem(f"{name}() takes {counts}, got {len(node.arguments)}", node.at)
        closure = call(overloads, arguments, node.at)
        if node.name in _FOLDED and all(type(argument) is syntax.Token for argument in node.arguments):
            return _folded(closure)
        return closure

    def _macro(self, node: syntax.Call, qualified: str | None) -> Macro | None:
        if qualified is not None and qualified in self.macros:
            return self.macros[qualified]
        macro = self.macros.get(node.name)
        return macro if macro is not None and (node.target is not None) == macro.is_method else None

    def _qualified(self, node: syntax.Call) -> str | None:
        """Return the dotted name of what a call calls, as ``math.abs``, where its target can be a namespace."""
        if node.target is None:
            return None
        chain = self.chain(node.target)
        if chain is None or (chain[0].name in self._locals and not chain[0].root):
            return None
        return ".".join([chain[0].name, *(name for name, _ in chain[1]), node.name])

    def _is_of_library(self, qualified: str) -> bool:
        """Tell whether a dotted name can be no other than a library's, whose function nobody knows."""
        root = qualified.partition(".")[0]
        return qualified.count(".") == 1 and root not in self.variables and suggestions.is_library(root)

    # operators, literals and displays

    def _unary(self, node: syntax.Unary) -> Closure:
        return call(functions.operator(f"{node.operator}_", 1), [self.compile(node.operand)], node.at)

    def _binary(self, node: syntax.Binary) -> Closure:
        dashed = self._dashed(node)
        if dashed is not None:
            return self.problem(f"a name with a dash is quoted: write {dashed}", node.at)
        operands = [self.compile(node.left), self.compile(node.right)]
        return call(functions.operator(f"_{node.operator}_", 2), operands, node.at)

    def _dashed(self, node: syntax.Node) -> str | None:
        """Return what was meant by ``steps.fetch-order``, which is a difference with an unknown name."""
        names: list[str] = []
        while isinstance(node, syntax.Binary) and node.operator == "-":
            right = self.chain(node.right)
            if (
                right is None
                or right[0].at != node.at + 1
                or right[0].name in self.variables
                or right[0].name in self._locals
            ):
                return None
            names.append(".".join([right[0].name, *(name for name, _ in right[1])]))
            node = node.left
        chain = self.chain(node)
        if not names or chain is None or not chain[1] or chain[0].name not in self.variables:
            return None
        *fields, last = [name for name, _ in chain[1]]
        dashed, dot, rest = "-".join([last, *reversed(names)]).partition(".")
        return f'{".".join([chain[0].name, *fields])}["{dashed}"]{dot}{rest}'

    def _logical(self, node: syntax.Logical) -> Closure:
        return logic.logical(node.operator, [self.compile(operand) for operand in node.operands], node.at)

    def _conditional(self, node: syntax.Conditional) -> Closure:
        return logic.conditional(self.compile(node.condition), self.compile(node.yes), self.compile(node.no), node.at)

    def _token(self, node: syntax.Token) -> Closure:
        try:
            value = decode(node.kind, node.text)
        except LiteralError as error:
            return self.malformed(error.message, node.at + error.offset)
        return lambda _frame: value

    def _constant(self, node: syntax.Constant) -> Closure:
        value = node.value
        return lambda _frame: value

    def _list(self, node: syntax.ListDisplay) -> Closure:
        return displays.list_display([(self.compile(i.value), i.optional, i.at) for i in node.items])

    def _map(self, node: syntax.MapDisplay) -> Closure:
        entries = [(self.compile(e.key), self.compile(e.value), e.optional, e.at) for e in node.entries]
        return displays.map_display(entries)

    def _message(self, node: syntax.Message) -> Closure:
        return self.problem('messages of protocol buffers can\'t be built here; write a map: {"name": value}', node.at)


def _folded(closure: Closure) -> Closure:
    """Return the closure of the value that a call over literals always has, where it has one."""
    try:
        value = closure(Frame({}, 0, DEFAULT_LIMITS))
    except Fault:
        return closure
    return lambda _frame: value


_NODES: Final[dict[type, Callable[[Compiler, Any], Closure]]] = {
    syntax.Token: Compiler._token,
    syntax.Constant: Compiler._constant,
    syntax.Identifier: Compiler._identifier,
    syntax.Select: Compiler._select,
    syntax.Index: Compiler._index,
    syntax.Call: Compiler._call,
    syntax.Unary: Compiler._unary,
    syntax.Binary: Compiler._binary,
    syntax.Logical: Compiler._logical,
    syntax.Conditional: Compiler._conditional,
    syntax.ListDisplay: Compiler._list,
    syntax.MapDisplay: Compiler._map,
    syntax.Message: Compiler._message,
}
