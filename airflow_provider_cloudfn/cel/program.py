"""Programs: compiled expressions, kept by their source."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from airflow_provider_cloudfn.cel.faults import Fault, LimitFault
from airflow_provider_cloudfn.cel.frame import Closure, Frame
from airflow_provider_cloudfn.cel.limits import DEFAULT_LIMITS, MAX_SOURCE_LENGTH, Limits
from airflow_provider_cloudfn.cel.literals import LiteralError, plain_literal
from airflow_provider_cloudfn.exceptions import ExpressionError, ExpressionLimitError, ExpressionProblem

if TYPE_CHECKING:
    from collections.abc import Collection

    from airflow_provider_cloudfn.cel.compiler import Compiler, Read
    from airflow_provider_cloudfn.cel.macro import Macro
    from airflow_provider_cloudfn.cel.syntax import Node

__all__ = ["Program", "Reference", "compile", "evaluate"]


class Reference(Struct, frozen=True):
    """
    A place at which an expression reads a variable.

    :param path: The variable and the fields that it reads of it, as far as they are known without evaluating.
    :param line: Where, counted from 1.
    :param column: Where in that line, counted from 1.
    :param asked: Whether the last field is only asked for, as in ``has(a.b)`` and ``a.?b``, and need not be there.
    """

    path: tuple[str, ...]
    line: int
    column: int
    asked: bool = False


class Program(Struct, frozen=True, eq=False):
    """
    A compiled expression: immutable, and safe to use from many threads.

    :param source: The expression.
    :param references: What it reads, with the place of each.
    :param paths: The static paths that it reads, such as ``("steps", "fetch", "id")``.
    :param names: The variables that it reads.
    :param is_constant: Whether it reads no variable.
    """

    source: str
    references: tuple[Reference, ...]
    paths: frozenset[tuple[str, ...]]
    names: frozenset[str]
    is_constant: bool
    _closure: Closure
    _slots: int
    _origin: tuple[Any, ...]

    @classmethod
    def _of(cls, origin: tuple[Any, ...], closure: Closure, slots: int = 0, reads: Collection[Read] = ()) -> Program:
        paths = frozenset(path for path, _, _ in reads)
        names = frozenset(path[0] for path in paths)
        return cls(origin[0], references(origin[0], reads), paths, names, not paths, closure, slots, origin)

    def evaluate(self, variables: Mapping[str, object], *, limits: Limits = DEFAULT_LIMITS) -> Any:
        """
        Evaluate the expression.

        :param variables: The variables; only those in ``names`` are read.
        :param limits: What the evaluation may cost.
        :returns: A native value. It may share parts with the variables, so it must not be changed.
        :raises ExpressionError: when it has no value.
        :raises ExpressionLimitError: when it costs too much.
        """
        try:
            return self._closure(Frame(variables, self._slots, limits))
        except Fault as fault:
            failure = _error(self.source, fault)
        except (RecursionError, MemoryError):
            failure = ExpressionLimitError("the values are nested too deep, or are too large", source=self.source)
        raise failure

    def leads_nowhere(self, variables: Mapping[str, Any]) -> bool:
        """
        Return whether it is a path and nothing else, as ``response.body.next`` is, on which something is null or not there.

        :param variables: The variables.
        """
        from airflow_provider_cloudfn.cel.compiler import Compiler

        if len(self.paths) != 1 or Compiler(self.names).chain(parsed(self.source)) is None:
            return False
        value: Any = variables
        for name in next(iter(self.paths)):
            if value is None or (isinstance(value, Mapping) and name not in value):
                return True
            if not isinstance(value, Mapping):
                return False
            value = value[name]
        return value is None

    def __repr__(self) -> str:
        return f"<Program {self.source!r}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _compiled, self._origin


def position(source: str, at: int) -> tuple[int, int]:
    """Return line and column of an offset, both counted from 1."""
    before = source[:at].splitlines() or [""]
    if at and source[at - 1] in "\r\n":
        return len(before) + 1, 1
    return len(before), len(before[-1]) + 1


def references(source: str, reads: Collection[Read]) -> tuple[Reference, ...]:
    """Return what a compiler noted of an expression's variables, with the place of each."""
    return tuple(Reference(path, *position(source, at), asked) for path, at, asked in reads)


def compile(  # its name in CEL
    source: str, *, variables: Collection[str], container: str = "", macros: tuple[Macro, ...] = ()
) -> Program:
    """
    Compile an expression, or return the program that an earlier call made of it.

    :param source: The expression.
    :param variables: The names of the variables that it may read.
    :param container: The namespace in which names are looked up first.
    :param macros: Macros besides those of the language.
    :raises ExpressionError: with all that is wrong, as far as it can be known without evaluating.
    """
    return _compiled(_text(source), frozenset(variables), container, macros, True)


def evaluate(
    source: str, variables: Mapping[str, object], *, limits: Limits = DEFAULT_LIMITS, container: str = ""
) -> Any:
    """
    Compile and evaluate an expression, which is not checked before: an unknown name fails when it is read.

    :param source: The expression.
    :param variables: The variables.
    :param limits: What the evaluation may cost.
    :param container: The namespace in which names are looked up first.
    :returns: As of :meth:`Program.evaluate`.
    :raises ExpressionError: when it can't be parsed, or has no value.
    """
    return _compiled(_text(source), frozenset(variables), container, (), False).evaluate(variables, limits=limits)


def _text(source: object) -> str:
    if isinstance(source, str):
        return source
    raise TypeError(f"an expression is text, got {type(source).__name__}")


@lru_cache(maxsize=1_024)
def _compiled(
    source: str, variables: frozenset[str], container: str, macros: tuple[Macro, ...], checked: bool
) -> Program:
    _refuse_length(source)
    origin = (source, variables, container, macros, checked)
    try:
        is_literal, value = plain_literal(source)
    except LiteralError:
        is_literal = False  # reported below, with its position
    if is_literal:
        return Program._of(origin, lambda _frame: value)
    compiler, closure = translate(source, variables, container, macros)
    if compiler.problems and (checked or compiler.is_malformed):
        raise ExpressionError(
            [ExpressionProblem(message, *position(source, at)) for at, message in sorted(compiler.problems)],
            source=source,
        )
    return Program._of(origin, closure, compiler.slots, compiler.reads)


def translate(
    source: str, variables: frozenset[str], container: str = "", macros: tuple[Macro, ...] = ()
) -> tuple[Compiler, Closure]:
    """
    Compile an expression whatever names it has: return the compiler, which knows what is wrong with it, and the closure.

    :raises ExpressionError: when it can't be parsed.
    """
    _refuse_length(source)
    # Parser and functions are loaded here, when a first expression needs them: Dag files are full of plain literals.
    from airflow_provider_cloudfn.cel.compiler import Compiler

    tree = parsed(source)
    compiler = Compiler(variables, container, macros)
    return compiler, compiler.compile(tree)


def _refuse_length(source: str) -> None:
    if len(source) > MAX_SOURCE_LENGTH:
        raise ExpressionLimitError(f"the expression has more than {MAX_SOURCE_LENGTH:,} characters")


def parsed(source: str) -> Node:
    """
    Return the syntax tree of an expression.

    :param source: The expression.
    :raises ExpressionError: when it is none, with the place.
    """
    from airflow_provider_cloudfn.cel.parser import SourceError, parse

    try:
        return parse(source)
    except SourceError as error:
        failure = error
    place = position(source, failure.at)
    kind = ExpressionLimitError if failure.limit else ExpressionError
    raise kind([ExpressionProblem(failure.message, *place)], source=source)


def _error(source: str, fault: Fault) -> ExpressionError:
    """Return the error that a caller sees for a fault."""
    place = (None, None) if fault.at is None else position(source, fault.at)
    if fault.error is not None:
        problems = [
            ExpressionProblem(problem.message, *(place if problem.line is None else (problem.line, problem.column)))
            for problem in fault.error.problems
        ]
        return type(fault.error)(problems, source=source, field=fault.error.field)
    kind = ExpressionLimitError if isinstance(fault, LimitFault) else ExpressionError
    return kind([ExpressionProblem(fault.message, *place)], source=source)
