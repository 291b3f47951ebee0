"""The text of a key that an author's own expression gives: it must name something, and often one thing only."""

from __future__ import annotations

import hashlib
from typing import Any

from airflow_provider_cloudfn.exceptions import ExpressionError, in_words

__all__ = ["Seen", "digest_of", "key_text"]


def key_text(value: Any, *, field: str, cost: str, remedy: str) -> str:
    """
    Return what an expression gives as the text of a key.

    :param cost: What can't be done with a key that names nothing.
    :raises ExpressionError: for a value that names nothing, and so would make different things the same one.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, type(None))):
        problem = f"must give text or an integer, not {in_words(value)}"
    elif value is None or not str(value).strip():
        problem = f"gives {'null' if value is None else 'empty text'}, {cost}"
    else:
        return str(value)
    raise ExpressionError(f"{problem}: {remedy}", field=field)


def digest_of(text: str, digits: int) -> str:
    """Return the beginning of a text's SHA-256, which tells it from others."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:digits]


class Seen:
    """The texts that have been there: by their digests, because there can be a million."""

    def __init__(self) -> None:
        self._digests: set[bytes] = set()

    def is_new(self, text: str) -> bool:
        """Return whether a text is there for the first time."""
        digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()[:16]
        if digest in self._digests:
            return False
        self._digests.add(digest)
        return True
