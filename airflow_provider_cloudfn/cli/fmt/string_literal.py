"""A string as it is written in a Python file: its quotes, and how a text is written with them."""

from __future__ import annotations

import io
import re
import tokenize
from typing import Final

from msgspec import Struct

__all__ = ["StringLiteral"]

_START: Final = re.compile("([A-Za-z]*)('''|\"\"\"|'|\")")


class StringLiteral(Struct, frozen=True):
    """
    How a string is written.

    :param prefix: What stands before its quotes, such as ``r``.
    :param quotes: Its quotes; of several literals in a row those of the first.
    :param is_joined: Whether it is several literals in a row, which Python joins.
    :param is_ascii: Whether it has no other characters, so that others are written as escapes.
    """

    prefix: str
    quotes: str
    is_joined: bool
    is_ascii: bool

    @classmethod
    def read(cls, source: str) -> StringLiteral | None:
        """
        Return how a string is written; None where a comment stands between its parts.

        :param source: Its source.
        """
        # In brackets it can go over several lines, as it does in a call.
        tokens = list(tokenize.generate_tokens(io.StringIO(f"({source})").readline))
        strings = [token.string for token in tokens if token.type == tokenize.STRING]
        start = _START.match(source)
        if start is None or not strings or any(token.type == tokenize.COMMENT for token in tokens):
            return None
        return cls(start[1], start[2], len(strings) > 1, source.isascii())

    @property
    def can_have_lines(self) -> bool:
        """Whether a line may end inside of it."""
        return len(self.quotes) == 3 and not self.is_joined

    def source_of(self, text: str) -> str:
        """
        Return the source of a text, with the quotes that need the fewest escapes; with those that it has where they are as good.

        :param text: The text.
        """
        return min(self._ways(text, self.quotes), key=lambda way: way[0])[1]

    def sources_of(self, texts: list[str]) -> list[str]:
        """
        Return the sources of several texts in a row, all with the same quotes.

        :param texts: The texts.
        """
        written = [[self._escaped(text, quotes) for text in texts] for quotes in _either(self.quotes[0])]
        quotes, best = min(
            zip(_either(self.quotes[0]), written, strict=True), key=lambda one: sum(count for count, _ in one[1])
        )
        return [f"{quotes}{text}{quotes}" for _, text in best]

    def _ways(self, text: str, own: str) -> list[tuple[int, str]]:
        """Return how a text can be written, and how many escapes each way needs."""
        ways = []
        is_raw = "r" in self.prefix.lower()
        for quotes in _either(own):
            if is_raw and _can_be_raw(text, quotes):
                ways.append((0, f"{self.prefix}{quotes}{text}{quotes}"))
            count, escaped = self._escaped(text, quotes)
            prefix = "" if is_raw else self.prefix
            ways.append((count, f"{prefix}{quotes}{escaped}{quotes}"))
        return ways

    def _escaped(self, text: str, quotes: str) -> tuple[int, str]:
        count = 0
        parts: list[str] = []
        for at, character in enumerate(text):
            if character in ("\\", "\n"):
                escaped = (
                    "\n" if character == "\n" and len(quotes) == 3 else character.encode("unicode_escape").decode()
                )
            elif character == quotes[0]:
                ends_here = len(quotes) == 1 or text.startswith(quotes, at) or at == len(text) - 1
                escaped = f"\\{character}" if ends_here else character
            elif character.isprintable() and (character.isascii() or not self.is_ascii):
                escaped = character
            else:
                escaped = character.encode("unicode_escape").decode()
            count += escaped != character
            parts.append(escaped)
        return count, "".join(parts)


def _either(quotes: str) -> tuple[str, str]:
    return quotes, ("'" if quotes[0] == '"' else '"') * len(quotes)


def _can_be_raw(text: str, quotes: str) -> bool:
    if quotes in text or text.endswith((quotes[0], "\\")):
        return False
    return all(character.isprintable() or (character == "\n" and len(quotes) == 3) for character in text)
