"""Where Jinja stands in a text that is not run through Jinja."""

from __future__ import annotations

from typing import Final

__all__ = ["jinja_at"]

_MARKS: Final = ("{{", "{%", "{#")


def jinja_at(text: str) -> int | None:
    """Return where Jinja begins in a text, None where there is none."""
    if "{" not in text:
        return None
    return min((at for mark in _MARKS if (at := text.find(mark)) >= 0), default=None)
