"""
Writes an expression anew in one style, its meaning untouched.

Words, numbers' digits, the escapes of strings, comments and parentheses stay as they are; only white space is chosen. What is
wider than the line is broken inside of brackets, one element a line, and before operators.
"""

from __future__ import annotations

from typing import Final

from airflow_provider_cloudfn.cel.program import parsed
from airflow_provider_cloudfn.cel.tree_builder import Lexeme
from airflow_provider_cloudfn.cel.wording import CHAINS, LISTS, Comment, Part, Phrase, Wording, wording, words

__all__ = ["formatted"]

_STEP: Final = 4
_OPENING: Final = frozenset("([{")
_CLOSING: Final = frozenset(")]}")
_SPACED: Final = CHAINS | {"expr"}
_WITH_COMMAS: Final = LISTS | {"entry", "opt_entry"}


def formatted(source: str, width: int | None = None, indent: int = 0) -> str:
    """
    Return an expression in the one style.

    :param source: The expression.
    :param width: How many characters a line has; None leaves all in one line, unless a comment ends it.
    :param indent: How many blanks each line begins with at least.
    :raises ExpressionError: when it can't be parsed.
    """
    parsed(source)
    return _Layout(wording(source), width, indent).text()


class _Layout:
    """Lays an expression out in lines. A line ends when the next word comes, so that a comment can still stand behind it."""

    def __init__(self, written: Wording, width: int | None, indent: int) -> None:
        self._written = written
        self._comments = dict(written.comments)
        self._width = width
        self._indent = indent
        self._lines: list[str] = []
        self._line = " " * indent
        self._next_indent: int | None = None

    def text(self) -> str:
        self._lay(self._written.root, self._indent)
        for comment in self._written.last:
            self._write_comment(comment, self._indent)
        return "\n".join([*self._lines, self._line.rstrip()])

    def _lay(self, part: Part, indent: int) -> None:
        self._write_comments(part, indent)
        flat = self._flat([part])
        if flat is not None and self._fits(flat):
            self._write(flat)
        elif isinstance(part, Lexeme):
            self._write(part.text)
        elif part.rule in CHAINS:
            self._lay_chain(part, indent)
        elif part.rule == "expr":
            condition, mark, yes, colon, no = part.parts
            self._lay(condition, indent)
            self._lay_operator(mark, yes, indent + _STEP)
            self._lay_operator(colon, no, indent + _STEP)
        else:
            self._lay_parts(part, indent)

    def _lay_chain(self, chain: Phrase, indent: int) -> None:
        self._lay(chain.parts[0], indent)
        for operator, operand in zip(chain.parts[1::2], chain.parts[2::2], strict=True):
            self._lay_operator(operator, operand, indent)

    def _lay_operator(self, operator: Part, operand: Part, indent: int) -> None:
        self._end_line(indent)
        self._lay(operator, indent)
        self._write(" ")
        is_chain = isinstance(operand, Phrase) and operand.rule in _SPACED
        self._lay(operand, indent + _STEP if is_chain else indent)

    def _lay_parts(self, phrase: Phrase, indent: int) -> None:
        """Lay out what has no operator: words and operands as they come, and what is between brackets line by line."""
        parts = phrase.parts
        at = 0
        while at < len(parts):
            part = parts[at]
            if not (isinstance(part, Lexeme) and part.text in _OPENING):
                self._lay(part, indent)
                if isinstance(part, Lexeme) and part.text == ":":
                    self._write(" ")
                at += 1
                continue
            end = next(i for i in range(at, len(parts)) if isinstance(one := parts[i], Lexeme) and one.text in _CLOSING)
            self._write_comments(part, indent)
            flat = self._flat(parts[at : end + 1])
            if flat is not None and self._fits(flat):
                self._write(flat)
            else:
                self._lay_bracket(parts[at : end + 1], indent)
            at = end + 1

    def _lay_bracket(self, parts: list[Part], indent: int) -> None:
        opening, *content, closing = parts
        inner = indent + _STEP
        self._lay(opening, indent)
        self._end_line(inner)
        for part in content:
            is_list = isinstance(part, Phrase) and part.rule in LISTS
            for one in part.parts if isinstance(part, Phrase) and is_list else [part]:
                self._lay(one, inner)
                if isinstance(one, Lexeme) and one.text == ",":
                    self._end_line(inner)
                elif isinstance(one, Lexeme) and one.text == ":":
                    self._write(" ")
        self._write_comments(closing, inner)
        self._end_line(indent)
        self._lay(closing, indent)

    def _flat(self, parts: list[Part]) -> str | None:
        """Return parts in one line; None where a comment or a text of several lines stands in them."""
        found = [
            self._comments.get(word.at) is None and "\n" not in word.text for part in parts for word in words(part)
        ]
        return _side_by_side([_flat(part) for part in parts]) if all(found) else None

    def _fits(self, text: str) -> bool:
        if self._width is None:
            return True
        column = len(self._line.rpartition("\n")[2]) if self._next_indent is None else self._next_indent
        is_all = not self._lines and not self._line.strip()
        # Behind a part a comma or a bracket can come.
        return column + len(text) + (0 if is_all else 1) <= self._width

    def _end_line(self, indent: int) -> None:
        self._next_indent = indent

    def _write(self, text: str) -> None:
        if self._next_indent is not None:
            if text == " ":
                return
            self._lines.append(self._line.rstrip())
            self._line = " " * self._next_indent
            self._next_indent = None
        self._line += text

    def _write_comments(self, part: Part, indent: int) -> None:
        for comment in self._comments.pop(next(words(part)).at, ()):
            self._write_comment(comment, indent)

    def _write_comment(self, comment: Comment, indent: int) -> None:
        if comment.is_behind:
            self._line = f"{self._line.rstrip()}  {comment.text}"
        else:
            if self._line.strip() and self._next_indent is None:
                self._next_indent = indent
            self._write(comment.text)
        if self._next_indent is None:
            self._next_indent = indent


def _flat(part: Part) -> str:
    if isinstance(part, Lexeme):
        return part.text
    texts = [_flat(one) for one in part.parts]
    if part.rule in _SPACED:
        return " ".join(texts)
    if part.rule in _WITH_COMMAS:
        return "".join(f"{text} " if text in (",", ":") else text for text in texts)
    return _side_by_side(texts)


def _side_by_side(texts: list[str]) -> str:
    """Return texts as one, in which no two braces come to stand together: that would be Jinja, which no expression may hold."""
    joined = ""
    for text in texts:
        joined += f" {text}" if joined.endswith("{") and text.startswith("{") else text
    return joined
