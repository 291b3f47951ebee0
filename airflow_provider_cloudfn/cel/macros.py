"""
Macros: calls whose arguments are not values but names and expressions, evaluated for each element.

``all``, ``exists``, ``existsOne``, ``map``, ``filter`` and their forms with two variables, ``transformList``,
``transformMap``, ``sortBy``; ``has``; ``cel.bind``; ``optMap`` and ``optFlatMap``.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from msgspec import Struct

from airflow_provider_cloudfn.cel import access
from airflow_provider_cloudfn.cel.displays import put
from airflow_provider_cloudfn.cel.faults import Fault, LimitFault, carried
from airflow_provider_cloudfn.cel.macro import Macro, variables, wrong_count
from airflow_provider_cloudfn.cel.optionals import alternative, opt_map
from airflow_provider_cloudfn.cel.syntax import Call, Node, Select
from airflow_provider_cloudfn.cel.values import KIND
from airflow_provider_cloudfn.exceptions import ExpressionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping

    from airflow_provider_cloudfn.cel.compiler import Compiler
    from airflow_provider_cloudfn.cel.frame import Closure, Frame

__all__ = ["MACROS"]


class Loop(Struct):
    """
    What a macro goes through.

    :param target: The closure of the list or map.
    :param slots: Where its one or two variables are kept.
    :param cost: The steps that an element takes.
    """

    name: str
    at: int
    target: Closure
    slots: list[int]
    cost: int

    def each(self, frame: Frame) -> Iterator[None]:
        """Put one element after the other, or one pair, where the body finds it."""
        values, collection = frame.locals, self.target(frame)
        first, last, done = self.slots[0], self.slots[-1], 0
        elements: Any = self._paid(frame, collection)
        try:
            if first == last:
                for values[first] in elements:
                    done += 1
                    yield
            else:
                for values[first], values[last] in self._pairs(collection, elements):
                    done += 1
                    yield
        except GeneratorExit:  # the macro knows its result: give back what was paid for the others
            if elements is collection:
                frame.budget.refund((len(collection) - done) * self.cost)
            raise

    def _paid(self, frame: Frame, collection: Any) -> Iterable[Any]:
        """Return the elements of a list, or the keys of a map, which are paid for at once or one by one."""
        cls = type(collection)
        if cls is list or cls is dict or cls is tuple:
            frame.budget.spend(len(collection) * self.cost)
            return cast("Iterable[Any]", collection)
        if KIND[cls] in ("list", "map"):
            return self._lazily(frame, collection)
        raise Fault(f"{self.name}() goes through a list or a map, got {KIND[cls]}", self.at)

    def _lazily(self, frame: Frame, collection: Iterable[Any]) -> Iterator[Any]:
        """Yield the elements of a collection that may fetch them, and need not know how many there are."""
        iterator = iter(collection)
        while True:
            frame.budget.spend(self.cost)
            try:
                element = next(iterator)
            except StopIteration:
                return
            except ExpressionError as error:
                raise carried(error, self.at) from None
            yield element

    def _pairs(self, collection: Any, elements: Iterable[Any]) -> Iterable[tuple[Any, Any]]:
        """Return index and element of a list, or key and value of a map."""
        if KIND[type(collection)] == "list":
            return enumerate(elements)
        return ((key, access.entry(collection, key, self.at)) for key in elements)

    def test(self, value: Any) -> bool:
        """Return the value of a condition, which must be bool."""
        if value is True or value is False:
            return bool(value)
        raise Fault(f"the condition of {self.name}() must be bool, got {KIND[type(value)]}", self.at)


# The loops


def _quantifier(loop: Loop, predicate: Closure, *, decisive: bool) -> Closure:
    """``all`` and ``exists``: an error in one element does not count when another decides."""

    def evaluate(frame: Frame) -> bool:
        fault: Fault | None = None
        for _ in loop.each(frame):
            try:
                if loop.test(predicate(frame)) is decisive:
                    return decisive
            except LimitFault:
                raise
            except Fault as error:
                fault = fault or error
        if fault is not None:
            raise fault
        return not decisive

    return evaluate


def _exists_one(loop: Loop, predicate: Closure) -> Closure:
    def evaluate(frame: Frame) -> bool:
        return sum(loop.test(predicate(frame)) for _ in loop.each(frame)) == 1

    return evaluate


def _filter(loop: Loop, predicate: Closure) -> Closure:
    slot = loop.slots[0]

    def evaluate(frame: Frame) -> list[Any]:
        values, test = frame.locals, loop.test
        return [values[slot] for _ in loop.each(frame) if test(predicate(frame))]

    return evaluate


def _map(loop: Loop, *bodies: Closure) -> Closure:
    """``map`` and ``transformList``, with or without a condition."""
    transform = bodies[-1]
    if len(bodies) == 1:
        return lambda frame: [transform(frame) for _ in loop.each(frame)]
    predicate = bodies[0]

    def evaluate(frame: Frame) -> list[Any]:
        test = loop.test
        return [transform(frame) for _ in loop.each(frame) if test(predicate(frame))]

    return evaluate


def _transform_map(loop: Loop, *bodies: Closure) -> Closure:
    transform, slot = bodies[-1], loop.slots[0]
    predicate = bodies[0] if len(bodies) == 2 else None

    def evaluate(frame: Frame) -> Mapping[Any, Any]:
        result: MutableMapping[Any, Any] = {}
        for _ in loop.each(frame):
            if predicate is None or loop.test(predicate(frame)):
                result = put(result, frame.locals[slot], transform(frame), loop.at)
        return result

    return evaluate


def _transform_map_entry(loop: Loop, *bodies: Closure) -> Closure:
    """``transformMapEntry``: each element becomes a map, and those become one."""
    transform = bodies[-1]
    predicate = bodies[0] if len(bodies) == 2 else None

    def evaluate(frame: Frame) -> Mapping[Any, Any]:
        result: MutableMapping[Any, Any] = {}
        for _ in loop.each(frame):
            if predicate is not None and not loop.test(predicate(frame)):
                continue
            entries = transform(frame)
            if KIND[type(entries)] != "map":
                raise Fault(f"{loop.name}() needs a map for each element, got {KIND[type(entries)]}", loop.at)
            frame.budget.spend(len(entries))
            for key in entries:
                result = put(result, key, entries[key], loop.at)
        return result

    return evaluate


def _sort_by(loop: Loop, key: Closure) -> Closure:
    from airflow_provider_cloudfn.cel.functions.sorting import sort_by_keys

    slot = loop.slots[0]

    def evaluate(frame: Frame) -> list[Any]:
        pairs = [(frame.locals[slot], key(frame)) for _ in loop.each(frame)]
        try:
            return sort_by_keys(frame.budget, [value for value, _ in pairs], [by for _, by in pairs])
        except Fault as fault:
            fault.locate(loop.at)
            raise

    return evaluate


# Compilation


def _loop(name: str, shapes: dict[int, int], make: Callable[..., Closure]) -> Macro:
    """
    Return the macro of a loop.

    :param shapes: How many of its arguments are variables, by the number of its arguments.
    :param make: Makes the closure from the loop and the closures of the other arguments.
    """

    def build(compiler: Compiler, node: Call) -> Closure:
        count = shapes.get(len(node.arguments))
        if count is None:
            return wrong_count(compiler, node, sorted(shapes))
        assert node.target is not None  # noqa: S101  # a macro of this kind is called on a value
        names = variables(compiler, node, count)
        if names is None:
            return compiler.compile(node.target)
        target = compiler.compile(node.target)
        before = compiler.weight
        slots, bodies = compiler.within(names, node.arguments[count:])
        cost = 1 + (compiler.weight - before >> 2)
        return make(Loop(node.name, node.at, target, slots, cost), *bodies)

    return Macro(name, build)


def _has(compiler: Compiler, node: Call) -> Closure:
    if len(node.arguments) != 1:
        return wrong_count(compiler, node, [1])
    asked: Node = node.arguments[0]
    if not isinstance(asked, Select):
        return compiler.malformed(
            "has() asks for a field, such as has(a.b); ask for a key with 'in': \"key\" in a", asked.at
        )
    if asked.optional:
        operand = compiler.compile(asked)
        return lambda frame: operand(frame).present
    return access.has(compiler.operand(asked.operand, asked.field), asked.field, asked.at)


def _bind(compiler: Compiler, node: Call) -> Closure:
    if len(node.arguments) != 3:
        return wrong_count(compiler, node, [3])
    names = variables(compiler, node, 1)
    value = compiler.compile(node.arguments[1])
    if names is None:
        return value
    (slot,), (body,) = compiler.within(names, node.arguments[2:])

    def evaluate(frame: Frame) -> Any:
        frame.locals[slot] = value(frame)
        return body(frame)

    return evaluate


#: The macros of the language, by name.
MACROS: Final[dict[str, Macro]] = {
    macro.name: macro
    for macro in (
        Macro("has", _has, is_method=False),
        Macro("cel.bind", _bind),
        _loop("all", {2: 1, 3: 2}, partial(_quantifier, decisive=False)),
        _loop("exists", {2: 1, 3: 2}, partial(_quantifier, decisive=True)),
        _loop("existsOne", {2: 1, 3: 2}, _exists_one),
        _loop("exists_one", {2: 1, 3: 2}, _exists_one),
        _loop("filter", {2: 1}, _filter),
        _loop("map", {2: 1, 3: 1}, _map),
        _loop("transformList", {3: 2, 4: 2}, _map),
        _loop("transformMap", {3: 2, 4: 2}, _transform_map),
        _loop("transformMapEntry", {3: 2, 4: 2}, _transform_map_entry),
        _loop("sortBy", {2: 1}, _sort_by),
        Macro("or", alternative),
        Macro("orValue", alternative),
        Macro("optMap", opt_map),
        Macro("optFlatMap", opt_map),
    )
}
