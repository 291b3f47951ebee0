"""An entry as rows of Airflow's task state: one, or the pieces of a large one and a first row that vouches for them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import zlib
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

import msgspec

from airflow_provider_cloudfn.auth.redacted import Redacted
from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.journal.entries import BATCH, FORGET

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_cloudfn.journal.entries import JournalEntry

__all__ = ["PIECE", "FirstRow", "Writer", "first_row", "read_entry", "way_anew", "written"]

#: Characters of JSON in one row. Airflow warns from 64 KiB on, and a value has some more around it.
PIECE: Final = 60 * 1024

#: What is nested about twice as deep Airflow keeps, and can't read any more; a piece is text.
_DEEP: Final = 100

_EntryT = TypeVar("_EntryT", bound="JournalEntry")


class Writer(msgspec.Struct, frozen=True):
    """
    The try that wrote an entry.

    :param try_number: Its number.
    :param clears: How often tasks of its Dag run had been cleared by then.
    """

    try_number: int
    clears: int


class FirstRow(Redacted, frozen=True, kw_only=True, omit_defaults=True):
    """
    The row that is asked for first.

    :param generation: Which tries it is for.
    :param entry: The entry, where it fits.
    :param pieces: In how many rows it is otherwise, compressed.
    :param sha256: The digest of its text then; the rows' keys have its beginning, so that one entry's are never another's.
    :param writer: Who wrote it; None where that is not a try of the task, or an older version's.
    """

    _hidden: ClassVar = frozenset({"entry"})

    generation: int
    entry: Any = None
    pieces: int = 0
    sha256: str = ""
    writer: Writer | None = None

    def keys(self, key: str) -> list[str]:
        """
        Return the keys of the pieces.

        :param key: The key of this row.
        """
        return [f"{key}.{self.sha256[:16]}.{number}" for number in range(self.pieces)]


def written(entry: JournalEntry, generation: int, key: str, writer: Writer | None = None) -> dict[str, Any]:
    """
    Return the rows of an entry by their keys, in the order in which they are to be written.

    The first row comes last, so that what it names is there.

    :param generation: Which tries it is for.
    :param key: The key of the first row.
    :param writer: Who writes it.
    """
    # With a blank behind each comma, as Airflow writes it.
    text = json.dumps(msgspec.to_builtins(entry))
    if len(text) <= PIECE and not _is_deep(text):
        return {key: msgspec.to_builtins(FirstRow(generation=generation, entry=json.loads(text), writer=writer))}
    packed = base64.b64encode(zlib.compress(text.encode("ascii"))).decode("ascii")
    pieces = [packed[start : start + PIECE] for start in range(0, len(packed), PIECE)]
    digest = hashlib.sha256(text.encode("ascii")).hexdigest()
    first = FirstRow(generation=generation, pieces=len(pieces), sha256=digest, writer=writer)
    return {**dict(zip(first.keys(key), pieces, strict=True)), key: msgspec.to_builtins(first)}


def _is_deep(text: str) -> bool:
    if text.count("[") + text.count("{") < _DEEP:  # as nearly all
        return False
    level: list[Any] = [json.loads(text)]
    for _ in range(_DEEP):
        level = [part for one in level if isinstance(one, dict) for part in one.values()] + [
            part for one in level if isinstance(one, list) for part in one
        ]
    return bool(level)


def first_row(row: Any, key: str) -> FirstRow:
    """
    Read a first row.

    :param row: What Airflow keeps.
    :param key: Its key, for the error.
    :raises ConfigurationError: for what is none.
    """
    try:
        return msgspec.convert(row, FirstRow)
    except msgspec.ValidationError as error:
        raise _unreadable(key, str(error)) from None


def read_entry(first: FirstRow, piece: Callable[[str], Any], kind: type[_EntryT], key: str) -> _EntryT:
    """
    Read an entry.

    :param first: Its first row.
    :param piece: Returns another row.
    :param kind: What the entry is.
    :param key: The key of the first row.
    :raises ConfigurationError: for what is no such entry: it is never taken for none, as nobody would know what was sent.
    """
    try:
        return msgspec.convert(_assembled(first, piece, key) if first.pieces else first.entry, kind)
    except (msgspec.ValidationError, ValueError, zlib.error, binascii.Error) as error:
        raise _unreadable(key, str(error)) from None


def _assembled(first: FirstRow, piece: Callable[[str], Any], key: str) -> Mapping[str, Any]:
    pieces = [piece(one) for one in first.keys(key)]
    if not all(isinstance(one, str) for one in pieces):
        raise ValueError("a piece of it is missing")
    text = zlib.decompress(base64.b64decode("".join(pieces), validate=True))
    if hashlib.sha256(text).hexdigest() != first.sha256:
        raise ValueError("a piece of it was changed")
    found: Mapping[str, Any] = json.loads(text)
    return found


def way_anew(option: str) -> str:
    """
    Return what begins anew where what an earlier try has left is of no use; Clear leaves a batch that was not done.

    :param option: Whose it is: ``for_each``, or the first word of an entry's name.
    """
    return f"begin anew: {FORGET}" if option in (BATCH, "for_each") else "clear the task, which begins anew"


def _unreadable(key: str, why: str) -> ConfigurationError:
    anew = way_anew(key.partition(".")[2].partition(".")[0])
    return ConfigurationError(
        f"the task's state {key!r}, which an earlier try wrote, can't be read ({why}): nothing is sent, as nobody knows what "
        f"was. See in the service what was carried out; then {anew}; or mark it as success"
    )
