"""Maps and a list that expressions read, whose values are made when they are read, or whose names are the author's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, overload

from airflow_provider_cloudfn.exceptions import nearest_name
from airflow_provider_cloudfn.json_encoding import restored

__all__ = ["LazyMapping", "NamedValues", "StepList"]


class StepList(Sequence[Any]):
    """
    What all instances of a mapped step returned, in map order.

    Airflow's own lazy sequence asks for every element by itself, and once more to see that there is none: this one asks for
    all of them at the first need, and for their number alone where that is all that is wanted.

    :param pulled: Airflow's sequence.
    """

    def __init__(self, pulled: Any) -> None:
        self._pulled = pulled
        self._elements: list[Any] | None = None

    def __len__(self) -> int:
        return len(self._pulled) if self._elements is None else len(self._elements)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._all())

    @overload
    def __getitem__(self, index: int) -> Any: ...

    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...

    def __getitem__(self, index: int | slice) -> Any:
        return self._all()[index]

    def _all(self) -> list[Any]:
        if self._elements is None:
            self._elements = [restored(element) for element in self._pulled[:]]
        return self._elements


class NamedValues(dict[str, Any]):
    """A map whose names stand in the Dag file, so that whoever reads another one can be told the nearest."""

    def __missing_hint__(self, name: str) -> str | None:
        near = nearest_name(name, self)
        return None if near is None else f"did you mean {near!r}?"


class LazyMapping(Mapping[str, Any]):
    """
    A map whose values are made when they are asked for, once.

    :param names: Returns its keys.
    :param make: Makes the value of a key; may raise a KeyError for one that is none.
    :param missing: Returns what whoever reads such a one is told; None leaves it to the language.
    """

    def __init__(
        self,
        names: Callable[[], Sequence[str]],
        make: Callable[[str], Any],
        missing: Callable[[str], str | None] = lambda _: None,
    ) -> None:
        self._names = names
        self._make = make
        self._missing = missing
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = restored(self._make(name))
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    def __contains__(self, name: object) -> bool:
        return name in self._names()

    def __missing_message__(self, name: str) -> str | None:
        return self._missing(name)
