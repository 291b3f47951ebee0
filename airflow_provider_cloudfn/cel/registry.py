"""
The table of functions: what each is called, which types it takes, and how a call finds it.

To add a function, write it in the module of its library under :mod:`airflow_provider_cloudfn.cel.functions`::

    @method("shout", "string")
    def shout(text: str) -> str:
        return text.upper() + "!"

Operators are functions too, named as the specification names them: ``_+_``. A function whose first parameter is called
``budget`` gets the :class:`Budget` of the evaluation there; all overloads of a name agree in that. It raises
:class:`Fault` when it can't give a result; a ``ValueError``, ``TypeError`` or ``ArithmeticError`` becomes one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from airflow_provider_cloudfn.cel.faults import Fault
from airflow_provider_cloudfn.cel.values import FOREIGN

__all__ = ["FUNCTIONS", "METHODS", "Overloads", "function", "method"]

F = TypeVar("F", bound=Callable[..., Any])

#: What a parameter may be declared as, besides one of the types of CEL.
_GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "number": ("int", "uint", "double"),
    "integer": ("int", "uint"),
    "dyn": (),
}


class Overloads(dict[tuple[str, ...], Callable[..., Any]]):
    """
    The overloads of one function with one number of arguments, by the kinds of those.

    A lookup of kinds that were not seen before finds the overload that takes them, converting what CEL has no type for.

    :param name: The name in messages, such as ``'+'`` or ``split``.
    :param takes_budget: Whether the functions get the budget first.
    """

    def __init__(self, name: str, takes_budget: bool) -> None:
        super().__init__()
        self.name = name
        self.takes_budget = takes_budget
        self.variadic = False
        self.declared: list[tuple[tuple[str, ...], Callable[..., Any]]] = []

    def __missing__(self, kinds: tuple[str, ...]) -> Callable[..., Any]:
        implementation = self._declared_for(kinds)
        if implementation is None:
            native = tuple(FOREIGN[kind][0] if kind in FOREIGN else kind for kind in kinds)
            if native == kinds:
                raise Fault(self._mismatch(kinds))
            implementation = _converting(self[native], kinds, self.takes_budget)
        if len(self) < 1_000:
            self[kinds] = implementation
        return implementation

    def _declared_for(self, kinds: tuple[str, ...]) -> Callable[..., Any] | None:
        for signature, implementation in self.declared:
            if all(map(_accepts, signature, kinds)):
                return implementation
        return None

    def _mismatch(self, kinds: tuple[str, ...]) -> str:
        message = f"{self.name} can't be applied to ({', '.join(kinds)})"
        text = "string" in kinds and any(kind in ("int", "uint", "double", "bool", "timestamp") for kind in kinds)
        if self.name == "'+'" and text:
            return message + "; turn the other side into text with string(…)"
        if self.name == "'in'" and kinds == ("string", "string"):
            return message + "; write text.contains(part)"
        if "null_type" in kinds:
            return message + "; null stands for a value that is not there"
        if not self.name.startswith("'"):
            # Of JSON's numbers those that are whole by chance are ints, and those with a fraction doubles.
            for kind, others in (("double", ("int", "uint")), ("int", ("double",))):
                if self._declared_for(tuple(kind if one in others else one for one in kinds)) is not None:
                    return message + f"; write {kind}(…) around the number"
        if "double" in kinds and ("int" in kinds or "uint" in kinds):
            return message + "; convert one side with double(…) or int(…)"
        takes = sorted({"(" + ", ".join(signature) + ")" for signature, _ in self.declared})
        return message + (f"; it takes {' or '.join(takes)}" if len(takes) <= 4 else "")


def _accepts(parameter: str, kind: str) -> bool:
    return parameter in (kind, "dyn") or kind in _GROUPS.get(parameter, ())


def _converting(implementation: Callable[..., Any], kinds: tuple[str, ...], takes_budget: bool) -> Callable[..., Any]:
    converters = [FOREIGN[kind][1] if kind in FOREIGN else None for kind in kinds]

    def converted(*arguments: Any) -> Any:
        budget, values = (arguments[:1], arguments[1:]) if takes_budget else ((), arguments)
        natives = (
            value if convert is None else convert(value) for convert, value in zip(converters, values, strict=True)
        )
        return implementation(*budget, *natives)

    return converted


#: Functions, which are called by their name, and methods, which are called on a value, by name and number of arguments;
#: the value that a method is called on counts as one. ``math.greatest`` takes any number: it stands under -1.
FUNCTIONS: Final[dict[str, dict[int, Overloads]]] = {}
METHODS: Final[dict[str, dict[int, Overloads]]] = {}


def function(name: str, *kinds: str, shown: str | None = None) -> Callable[[F], F]:
    """
    Declare a function that is called by its name, such as ``size(x)`` or ``math.abs(x)``.

    :param name: The name, with its namespace.
    :param kinds: The type of each parameter: one of CEL's, ``number``, ``integer`` or ``dyn``. A single ``...`` stands
        for any number of arguments, which the function gets as they come.
    :param shown: What messages call it, when that is not the name.
    :returns: A decorator, which leaves the function as it is.
    """
    return _declaration(FUNCTIONS, name, kinds, shown)


def method(name: str, *kinds: str) -> Callable[[F], F]:
    """
    Declare a function that is called on a value, such as ``text.split(",")``.

    :param name: The name.
    :param kinds: The type of the value and of each argument, as in :func:`function`.
    """
    return _declaration(METHODS, name, kinds, f"{name}()")


def _declaration(
    table: dict[str, dict[int, Overloads]], name: str, kinds: tuple[str, ...], shown: str | None
) -> Callable[[F], F]:
    def declare(implementation: F) -> F:
        code = implementation.__code__
        takes_budget = code.co_argcount > 0 and code.co_varnames[0] in ("budget", "_budget")
        arity = -1 if kinds == ("...",) else len(kinds)
        overloads = table.setdefault(name, {}).setdefault(arity, Overloads(shown or name + "()", takes_budget))
        if overloads.takes_budget != takes_budget:
            raise TypeError(f"all overloads of {name} must take the budget, or none")
        overloads.variadic = arity == -1
        overloads.declared.append((kinds, implementation))
        return implementation

    return declare
