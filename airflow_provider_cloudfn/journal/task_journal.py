"""The journal of a task instance, in Airflow's task state (3.3 and later)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeVar

from airflow_provider_cloudfn.authoring.variables import SAMPLE_RUN
from airflow_provider_cloudfn.journal.outage import outlast
from airflow_provider_cloudfn.journal.rows import FirstRow, first_row, read_entry, written

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.sdk.definitions.context import Context

    from airflow_provider_cloudfn.journal.entries import Entry

__all__ = ["PREFIX", "TaskJournal"]

#: How the keys of all rows begin.
PREFIX: Final = "cloudfn."
_NAME: Final = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*")

_EntryT = TypeVar("_EntryT", bound="Entry")
_Told = TypeVar("_Told")


class TaskJournal:
    """
    What the tries of a task instance tell one another.

    An entry belongs to one generation, the tries between two Clears: for all others it is as if it were not there. Entries do
    not expire: how long it takes to the next try is anybody's guess, and they go when their Dag run goes.

    Where Airflow keeps no task state, nothing is written and nothing found.

    :param store: Airflow's ``task_state_store``, or None.
    :param generation: Which tries these are.
    :param log: The task's log.
    """

    def __init__(self, store: Any, generation: int, log: Any) -> None:
        self._store = store
        self._generation = generation
        self._log = log
        #: The keys of the pieces that are known to be there, by the key of their first row.
        self._pieces: dict[str, list[str]] = {}

    @classmethod
    def of(cls, context: Context, log: Any) -> TaskJournal:
        """
        Return the journal of the running task instance.

        :param context: The task's Airflow context; a rehearsal has none of its own.
        :param log: The task's log.
        """
        given: Any = context
        store = None if SAMPLE_RUN in given else given.get("task_state_store")
        # The tries between two Clears have it in common: Clear sets it anew, a retry leaves it.
        generation = 0 if store is None else int(given["ti"].max_tries)
        return cls(store, generation, log)

    @property
    def generation(self) -> int:
        """Which tries these are."""
        return self._generation

    @property
    def is_kept(self) -> bool:
        """Whether there is a journal at all."""
        return self._store is not None

    def read(self, name: str, kind: type[_EntryT], *, of_any_generation: bool = False) -> _EntryT | None:
        """
        Return what stands under a name; None where an earlier try of this generation has left nothing.

        :param name: Lower-case words with dots.
        :param kind: What it is.
        :param of_any_generation: Whether what was left before a Clear counts, too.
        :raises ConfigurationError: for what is no such entry.
        """
        if self._store is None:
            return None
        key = _key(name)
        row = self._ask(lambda: self._store.get(key), "what an earlier try wrote down")
        if row is None:
            return None
        first = self._known(first_row(row, key), key)
        if first.generation != self._generation and not of_any_generation:
            return None
        return read_entry(first, lambda one: self._ask(lambda: self._store.get(one), "a piece of it"), kind, key)

    def write(self, name: str, entry: Entry) -> None:
        """
        Write an entry, in place of one that is there; whoever is killed meanwhile leaves the old one or the new one.

        :param name: Lower-case words with dots.
        :param entry: The entry.
        """
        if self._store is None:
            return
        from airflow.sdk import NEVER_EXPIRE  # type: ignore[attr-defined]  # not in its stub

        key = _key(name)
        rows = written(entry, self._generation, key)
        for one, value in rows.items():
            self._ask(
                lambda one=one, value=value: self._store.set(one, value, retention=NEVER_EXPIRE),  # type: ignore[misc]  # a default of a lambda
                "what the next try must know",
            )
        old, self._pieces[key] = self._pieces.get(key, []), [one for one in rows if one != key]
        self._delete(one for one in old if one not in rows)

    def forget(self, name: str) -> None:
        """
        Take an entry out.

        :param name: Lower-case words with dots.
        """
        if self._store is None:
            return
        key = _key(name)
        # The first row goes first: without it the others mean nothing.
        self._delete([key, *self._pieces.pop(key, [])])

    def _delete(self, keys: Any) -> None:
        for key in keys:
            self._ask(lambda key=key: self._store.delete(key), "an entry that is to be taken out")  # type: ignore[misc]  # a default of a lambda

    def _known(self, first: FirstRow, key: str) -> FirstRow:
        self._pieces[key] = first.keys(key)
        return first

    def _ask(self, ask: Callable[[], _Told], what: str) -> _Told:
        return outlast(ask, what, self._log)


def _key(name: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"an entry's name has lower-case words, digits and dots, not {name!r}")
    return PREFIX + name
