"""What the log is told when Airflow's database does not take a delivery."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.exc import IntegrityError

if TYPE_CHECKING:
    from sqlalchemy.exc import SQLAlchemyError

__all__ = ["is_overtaken", "sentence_of"]

#: What PostgreSQL (SQLSTATE) and MySQL call a table, or a column, that is not there. SQLite has words for it only.
_MISSING: Final = frozenset({"42P01", "42703", 1146, 1054})
#: What they call a transaction that was ended because two waited for each other.
_DEADLOCK: Final = frozenset({"40P01", 1213})
_WORDS: Final = ("no such table", "no such column", "has no column named")


def is_overtaken(error: SQLAlchemyError) -> bool:
    """Tell whether a transaction has failed because another one was faster, so that it will see what that has written."""
    return isinstance(error, IntegrityError) or not _DEADLOCK.isdisjoint(_codes(error))


def sentence_of(error: SQLAlchemyError) -> str:
    """Return what is wrong and what to do, without the statement: it holds what the sender sent."""
    cause: Any = getattr(error, "orig", None)
    first = next(iter(getattr(cause, "args", ())), None)
    if not _MISSING.isdisjoint(_codes(error)) or (
        type(cause).__module__ == "sqlite3" and any(words in str(first) for words in _WORDS)
    ):
        return "a table, or a column of one, is missing in Airflow's database: run `airflow db migrate`"
    kind = type(error).__name__ if cause is None else f"{type(error).__name__}, {type(cause).__name__}"
    return f"Airflow's database does not take it ({kind})"


def _codes(error: SQLAlchemyError) -> set[str | int]:
    """Return what the driver calls it: PostgreSQL's drivers by an attribute, MySQL's by the first argument."""
    cause: Any = getattr(error, "orig", None)
    first = next(iter(getattr(cause, "args", ())), None)
    codes = (getattr(cause, "sqlstate", None), getattr(cause, "pgcode", None), first)
    return {code for code in codes if isinstance(code, (str, int))}
