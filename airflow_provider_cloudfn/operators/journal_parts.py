"""Results of a batch that its journal keeps, in parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.journal.entries import PartEntry
from airflow_provider_cloudfn.journal.rows import way_anew

if TYPE_CHECKING:
    from airflow_provider_cloudfn.journal.task_journal import TaskJournal

__all__ = ["JournalParts"]


class JournalParts:
    """
    Parts of results in the journal.

    :param name: What their entries are called, before their number.
    """

    def __init__(self, journal: TaskJournal, name: str) -> None:
        self._journal = journal
        self._name = name

    def write(self, number: int, text: str) -> None:
        """Write a part."""
        self._journal.write(f"{self._name}.{number}", PartEntry(text=text))

    def read(self, number: int) -> str:
        """
        Return a part.

        :raises ConfigurationError: when it is not there.
        """
        found = self._journal.read(f"{self._name}.{number}", PartEntry, of_any_generation=True)
        if found is None:
            anew = way_anew(self._name.partition(".")[0])
            raise ConfigurationError(f"{self._name}: results that an earlier try has kept are gone: {anew}")
        return found.text

    def remove(self, count: int) -> None:
        """Remove the parts below a number."""
        for number in range(count):
            self._journal.forget(f"{self._name}.{number}")
