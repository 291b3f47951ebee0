"""The journal of a task instance, in Airflow's task state (3.3 and later)."""

from __future__ import annotations

import re
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final, TypeVar

from airflow_provider_cloudfn.authoring.variables import SAMPLE_RUN
from airflow_provider_cloudfn.journal.outage import outlast
from airflow_provider_cloudfn.journal.rows import FirstRow, Writer, first_row, read_entry, written

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.sdk.definitions.context import Context

    from airflow_provider_cloudfn.journal.entries import JournalEntry

__all__ = ["PREFIX", "TaskJournal"]

#: How the keys of all rows begin.
PREFIX: Final = "cloudfn."
_NAME: Final = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*")

_EntryT = TypeVar("_EntryT", bound="JournalEntry")
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
    :param writer: Which try this is; None where that is not known.
    :param retries: How many retries the task has by now.
    """

    def __init__(self, store: Any, generation: int, log: Any, writer: Writer | None = None, retries: int = 0) -> None:
        self._store = store
        self._generation = generation
        self._log = log
        self._writer = writer
        self._retries = retries
        #: The keys of the pieces that are known to be there, by the key of their first row.
        self._pieces: dict[str, list[str]] = {}
        #: The names of what was left before a Clear, as far as they were read.
        self._cleared: set[str] = set()

    @classmethod
    def of(cls, context: Context, log: Any) -> TaskJournal:
        """
        Return the journal of the running task instance.

        :param context: The task's Airflow context; a rehearsal has none of its own.
        :param log: The task's log.
        """
        given: Any = context
        store = None if SAMPLE_RUN in given else given.get("task_state_store")
        if store is None:
            return cls(None, 0, log)
        instance, clears = given["ti"], getattr(given.get("dag_run"), "clear_number", None)
        writer = None if clears is None else Writer(int(instance.try_number), int(clears))
        retries = int(getattr(getattr(instance, "task", None), "retries", None) or 0)
        # The tries between two Clears have it in common: Clear sets it anew, a retry leaves it.
        return cls(store, int(instance.max_tries), log, writer, retries)

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
        if self._is_of_now(first):
            self._cleared.discard(name)
        else:
            self._cleared.add(name)
            if not of_any_generation:
                return None
        return read_entry(first, lambda one: self._ask(lambda: self._store.get(one), "a piece of it"), kind, key)

    def is_cleared(self, name: str) -> bool:
        """
        Return whether what was read under a name was left before a Clear.

        :param name: As it was read.
        """
        return name in self._cleared

    def tell_lost(self, what: str) -> None:
        """
        Warn of what a Clear may have thrown away: from Airflow 3.4 on all that was written down, unless it is told to keep that.

        :param what: What becomes of it, where nothing was found that an earlier try has left.
        """
        # A task that was never cleared has as many tries as it has retries.
        if self._store is not None and self._generation > self._retries and _forgets_at_clear():
            self._log.warning(
                "The task was cleared, and nothing is there that it had written down: %s. Airflow keeps it where a task is "
                "cleared with 'Keep task state and resume'",
                what,
            )

    def write(self, name: str, entry: JournalEntry) -> None:
        """
        Write an entry, in place of one that is there; whoever is killed meanwhile leaves the old one or the new one.

        :param name: Lower-case words with dots.
        """
        if self._store is None:
            return
        from airflow.sdk import NEVER_EXPIRE  # type: ignore[attr-defined]  # not in its stub

        key = _key(name)
        rows = written(entry, self._generation, key, self._writer)
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

    def _is_of_now(self, first: FirstRow) -> bool:
        """
        Return whether a row is of this generation.

        Clear sets ``max_tries`` to the tries that there were and the retries that the task has by then: of a task with fewer
        retries than before that can be what it was. Then the try that was cleared is known by these two, where somebody has
        cleared something of the Dag run since the row was written.
        """
        if first.generation != self._generation:
            return False
        wrote, now = first.writer, self._writer
        if wrote is None or now is None or wrote.clears == now.clears:
            return True
        cleared = self._generation - self._retries
        return not wrote.try_number <= cleared < now.try_number

    def _known(self, first: FirstRow, key: str) -> FirstRow:
        self._pieces[key] = first.keys(key)
        return first

    def _ask(self, ask: Callable[[], _Told], what: str) -> _Told:
        return outlast(ask, what, self._log)


def _forgets_at_clear() -> bool:
    major, minor, *_ = version("apache-airflow-core").split(".")
    return (int(major), int(minor)) >= (3, 4)


def _key(name: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"an entry's name has lower-case words, digits and dots, not {name!r}")
    return PREFIX + name
