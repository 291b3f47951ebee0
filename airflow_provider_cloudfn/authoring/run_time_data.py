"""
What of a mapped task's instance arrived at run time: it is data, wherever an `__init__` has put it.

Airflow resolves what a task is mapped over, gives it to the class, and then renders the templates of what the class made. A
class of a user's own may have moved an argument to another parameter by then, so the parameter's name says nothing: Jinja in
a service's answer would be rendered, and an answer would be compiled as an expression. What stays the same on that way is
the text itself, the object: so a text that arrived is known by its identity, and :func:`arrived_in` is where it is asked for.

A mark on the text itself, as a subclass of ``str``, would have to be put on between Airflow's resolving and the class's own
`__init__`. There Airflow calls the class with all arguments in one dict, and has neither the context nor the row at hand
that says which of them arrived: of ``expand_kwargs`` over rows of both kinds that can't be told there. Hence identities.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.authoring.task import AuthoredTask

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

__all__ = ["RunTimeData", "arrived_in", "marked_as_data", "texts_that_arrived"]


class RunTimeData(Struct, frozen=True):
    """
    What arrived at run time.

    :param parameters: The parameters of the task whose values arrived.
    :param texts: The texts in them, by identity. They live as long as this does.
    :param objects: The identities of all values that are known to be data: of these texts, and of what Airflow resolved.
    """

    parameters: frozenset[str] = frozenset()
    texts: Mapping[int, str] = field(default_factory=dict)
    objects: frozenset[int] = frozenset()

    def holds(self, value: Any) -> bool:
        """Tell whether a value as a whole arrived."""
        return isinstance(value, (str, Mapping, list)) and id(value) in self.objects


def arrived_in(task: Any, context: Context) -> RunTimeData:
    """Return what arrived at run time in an operator that is to run."""
    mapped = AuthoredTask(task).mapped
    if mapped is None:
        return RunTimeData()
    parameters = mapped.arriving(context)
    texts = texts_that_arrived(task, parameters)
    return RunTimeData(frozenset() if mapped.maps_a_function else parameters, texts)


def texts_that_arrived(task: Any, arrived: frozenset[str]) -> dict[int, str]:
    """
    Return the texts in the arguments that arrived at run time, by identity: an `__init__` hands them on as they are.

    :param task: The instance. Its texts live as long as what is returned.
    :param arrived: The names of these arguments.
    """
    authored = AuthoredTask(task)
    mapped = authored.mapped
    if not arrived or mapped is None:
        return {}
    given = authored.init_arguments
    if mapped.maps_a_function:
        # The names of its arguments are its author's.
        found = _texts_in([value for name, value in given["op_kwargs"].items() if name in arrived])
    else:
        found = _texts_in({name: value for name, value in given.items() if name in arrived})
    # The same object may be a constant of the Dag file, as with `.map(lambda …)`: elsewhere it is the author's text.
    written = _texts_in(mapped.arguments)
    return {
        one: text for one, text in found.items() if not _is_constant(text) and (len(text) < 2 or one not in written)
    }


def marked_as_data(value: Any, texts: Mapping[int, str]) -> Any:
    """
    Return a value in which the texts that arrived at run time are marked as text; a collection becomes a new one.

    :param texts: What :func:`texts_that_arrived` returned.
    """
    if isinstance(value, str):
        return cel.lit(value) if id(value) in texts else value
    if type(value) is dict:
        return {marked_as_data(key, texts): marked_as_data(item, texts) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(marked_as_data(item, texts) for item in value)
    return value


def _texts_in(value: Any) -> dict[int, str]:
    """
    Return the texts in a value, at any depth, by identity.

    :param value: Anything that an XCom can hold: collections, and objects of the kinds that Airflow serializes.
    """
    texts: dict[int, str] = {}
    # The objects themselves: an identity is one's own only as long as it lives.
    seen: dict[int, Any] = {}
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, str):
            texts[id(one)] = one
        elif id(one) not in seen:
            seen[id(one)] = one
            if isinstance(one, Mapping):
                left += [*one.keys(), *one.values()]
            elif isinstance(one, (list, tuple, set, frozenset)):
                left += one
            else:
                left += _attributes(one)
    return texts


def _attributes(value: Any) -> list[Any]:
    """Return what a data class holds: one of the standard library, of Pydantic, or of attrs."""
    kind = type(value)
    names = [
        *getattr(kind, "__dataclass_fields__", ()),
        *getattr(kind, "model_fields", ()),
        *(attribute.name for attribute in getattr(kind, "__attrs_attrs__", ())),
    ]
    return [getattr(value, name, None) for name in names]


def _is_constant(text: str) -> bool:
    """Return whether the interpreter keeps one object of a text for all code: a word of the code's own, or a character."""
    if len(text) < 2:
        # Of these only a digit is an expression, and that of the same text.
        return text.isascii() and text.isdecimal()
    # What was decoded from an XCom is never the object that is kept.
    return text.isidentifier() and sys.intern(text[:1] + text[1:]) is text
