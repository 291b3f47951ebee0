"""What the log is told when Airflow's database does not take a delivery."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sqlalchemy.exc import SQLAlchemyError

__all__ = ["sentence_of"]

#: What PostgreSQL (SQLSTATE) and MySQL call a table, or a column, that is not there. SQLite has words for it only.
_MISSING: Final = frozenset({"42P01", "42703", 1146, 1054})
_WORDS: Final = ("no such table", "no such column", "has no column named")


def sentence_of(error: SQLAlchemyError) -> str:
    """
    Return what is wrong and what to do, without the statement: it holds what the sender sent.

    :param error: What SQLAlchemy has raised.
    """
    cause: Any = getattr(error, "orig", None)
    first = next(iter(getattr(cause, "args", ())), None)
    codes = (getattr(cause, "sqlstate", None), getattr(cause, "pgcode", None), first)
    if any(isinstance(code, (str, int)) and code in _MISSING for code in codes) or (
        type(cause).__module__ == "sqlite3" and any(words in str(first) for words in _WORDS)
    ):
        return "a table, or a column of one, is missing in Airflow's database: run `airflow db migrate`"
    kind = type(error).__name__ if cause is None else f"{type(error).__name__}, {type(cause).__name__}"
    return f"Airflow's database does not take it ({kind})"
