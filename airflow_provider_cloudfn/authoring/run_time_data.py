"""What of a mapped task's instance arrived at run time: data, wherever the `__init__` of a user's own class has put it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.authoring.reading import is_reference

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

__all__ = ["arrived_at_run_time", "marked_as_data", "texts_that_arrived"]


def arrived_at_run_time(task: Any, context: Context) -> frozenset[str]:
    """
    Return the parameters of a mapped task's instance whose values came from an XCom.

    :param task: The instance.
    :param context: Its Airflow context.
    """
    mapped = _mapped_operator(task)
    if mapped is None:
        return frozenset()
    expanded: Any = mapped._get_specified_expand_input().value
    if isinstance(expanded, dict):
        return frozenset(name for name, value in expanded.items() if is_reference(value))
    index = context["ti"].map_index
    if is_reference(expanded):
        return frozenset(expanded.resolve(context)[index])
    return frozenset(expanded[index].resolve(context)) if is_reference(expanded[index]) else frozenset()


def texts_that_arrived(task: Any, arrived: frozenset[str]) -> dict[int, str]:
    """
    Return the texts in the arguments that arrived at run time, by identity: an `__init__` hands them on as they are.

    :param task: The instance. Its texts live as long as what is returned.
    :param arrived: The names of these arguments.
    """
    if not arrived:
        return {}
    # Airflow keeps what each `__init__` was given, the outermost one's last.
    given = task._BaseOperator__init_kwargs
    found = _texts_in({name: value for name, value in given.items() if name in arrived})
    # The same object may be a constant of the Dag file, as with `.map(lambda …)`: elsewhere it is the author's text.
    written = _texts_in(_mapped_operator(task).partial_kwargs)
    return {
        one: text for one, text in found.items() if not _is_constant(text) and (len(text) < 2 or one not in written)
    }


def marked_as_data(value: Any, texts: Mapping[int, str]) -> Any:
    """
    Return a value in which the texts that arrived at run time are marked as text; a collection becomes a new one.

    :param value: A parameter's value.
    :param texts: What :func:`texts_that_arrived` returned.
    """
    if isinstance(value, str):
        return cel.lit(value) if id(value) in texts else value
    if type(value) is dict:
        return {marked_as_data(key, texts): marked_as_data(item, texts) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(marked_as_data(item, texts) for item in value)
    return value


def _mapped_operator(task: Any) -> Any:
    """Return the mapped operator that a task is an instance of, or None."""
    dag = task.dag if task.has_dag() else None
    found: Any = dag.task_dict.get(task.task_id) if dag is not None else None
    return found if found is not None and found.is_mapped else None


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
