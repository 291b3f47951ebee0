"""The text of a key that an author's own expression gives: it must name something."""

from __future__ import annotations

from typing import Any

from airflow_provider_cloudfn.exceptions import ExpressionError

__all__ = ["key_text"]


def key_text(value: Any, *, field: str, cost: str, remedy: str) -> str:
    """
    Return what an expression gives as the text of a key.

    :param value: Its value.
    :param field: The parameter.
    :param cost: What can't be done with a key that names nothing.
    :param remedy: What to write instead.
    :raises ExpressionError: for a value that names nothing, and so would make different things the same one.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, type(None))):
        problem = f"must give text or an integer, not {type(value).__name__}"
    elif value is None or not str(value).strip():
        problem = f"gives {'null' if value is None else 'empty text'}, {cost}"
    else:
        return str(value)
    raise ExpressionError(f"{problem}: {remedy}", field=field)
