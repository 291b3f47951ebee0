"""What the parameters of an operator are called, and which of them a misspelt name means."""

from __future__ import annotations

import weakref
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn.authoring.signature import parameters_of
from airflow_provider_cloudfn.authoring.task import PACKAGE, AuthoredTask
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

__all__ = ["may_take_any", "misspelt_defaults", "parameter_names", "refuse_misspelt_names"]


#: How alike two names are of which one surely means the other: `http_conn_id` is not `cloudfn_conn_id`.
_ALIKE: Final = 0.85
#: The Dag that was asked about last, how many tasks it had, and what the parameters of their operators are called.
_last_dag: tuple[Callable[[], Any], int, frozenset[str]] = (lambda: None, 0, frozenset())


@lru_cache(maxsize=256)
def parameter_names(operator: type) -> frozenset[str]:
    """Return what the parameters of an operator are called, those of all classes that it inherits from among them."""
    inits = [vars(kind)["__init__"] for kind in operator.__mro__ if "__init__" in vars(kind)]
    return frozenset(name for init in inits for name in _names_of(init))


def _names_of(init: Any) -> Iterable[str]:
    try:
        return parameters_of(init)
    except (TypeError, ValueError):  # That of somebody else's class can be anything.
        return ()


def may_take_any(operator: type) -> bool:
    """Tell whether an operator is of a class of a user's own, which may take what it likes, and name it nowhere."""
    return str(operator.__module__).partition(".")[0] != PACKAGE


def refuse_misspelt_names(operator: type, given: Mapping[str, Any]) -> None:
    """
    Refuse a parameter that an operator of ours has not, and that is near to one that it has; Airflow names no other.

    :raises ConfigurationError: where there is one.
    """
    if may_take_any(operator):
        return
    known = parameter_names(operator)
    found = dict(_misspelt(given, known))
    for name in given:
        if name.endswith("conn_id") and name not in known:
            found.update((name, own) for own in known if own.endswith("_conn_id"))
    problems = [f"{name}: there is no such parameter; did you mean {near}?" for name, near in found.items()]
    if problems:
        raise ConfigurationError("\n".join([f"{operator.__name__} {given.get('task_id', '')!r}:", *problems]))


def misspelt_defaults(task: AuthoredTask) -> Iterator[tuple[str, str]]:
    """
    Yield the names among a task's ``default_args`` that Airflow passes over without a word, each with the one that is meant.

    :param task: The task. What another operator of its Dag has a parameter for is meant for that one.
    """
    found = list(_misspelt(task.default_arguments, parameter_names(task.kind)))
    if not found or not task.task.has_dag():
        return
    others = _parameters_in(task.task.dag)
    yield from ((name, near) for name, near in found if name not in others)


def _parameters_in(dag: Any) -> frozenset[str]:
    """Return what the parameters of all operators of a Dag are called: looked up once for all of its tasks, which are many."""
    global _last_dag
    tasks, (known, count, names) = dag.task_dict, _last_dag
    if known() is not dag or count != len(tasks):
        kinds = {AuthoredTask(other).kind for other in tasks.values()}
        names = frozenset().union(*map(parameter_names, kinds))
        _last_dag = weakref.ref(dag), len(tasks), names
    return names


def _misspelt(given: Iterable[str], known: frozenset[str]) -> Iterator[tuple[str, str]]:
    for name in given:
        if name not in known and not name.startswith("_") and (near := _near(name, known)) is not None:
            yield name, near


@lru_cache(maxsize=1_024)
def _near(name: str, known: frozenset[str]) -> str | None:
    """Return the parameter that a name stands for; each task of a Dag asks of the same default arguments."""
    from difflib import get_close_matches  # rarely needed, and Dag files are parsed often

    return next(iter(get_close_matches(name, known - {"self", "kwargs"}, n=1, cutoff=_ALIKE)), None)
