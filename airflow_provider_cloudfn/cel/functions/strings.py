"""The strings library, as cel-go's: positions count characters, and a position out of range is an error."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn.cel.faults import Fault
from airflow_provider_cloudfn.cel.registry import function, method
from airflow_provider_cloudfn.cel.searching import count, find, in_windows, last

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_cloudfn.cel.limits import Budget

__all__: list[str] = []

_LOWER: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_UPPER: Final = str.maketrans(string.ascii_lowercase, string.ascii_uppercase)
#: How much text is looked at at once, for white space at its ends.
_PIECE: Final = 1 << 16
#: White space of Unicode; Python's own idea of it has four control characters more.
_SPACE: Final = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))


def _within(position: int, last: int) -> int:
    if 0 <= position <= last:
        return position
    raise Fault(f"the position is out of range: the text has {last} characters")


@method("charAt", "string", "int")
def char_at(text: str, position: int) -> str:
    position = _within(position, len(text))
    return text[position : position + 1]


@method("indexOf", "string", "string")
@method("indexOf", "string", "string", "int")
def index_of(budget: Budget, text: str, part: str, start: int = 0) -> int:
    return find(budget, text, part, _within(start, len(text)))


@method("lastIndexOf", "string", "string")
@method("lastIndexOf", "string", "string", "int")
def last_index_of(budget: Budget, text: str, part: str, start: int | None = None) -> int:
    return last(budget, text, part, len(text) if start is None else _within(start, len(text)) + len(part))


def _pay_translation(budget: Budget, text: str) -> None:
    budget.text(len(text))
    if not text.isascii():
        budget.spend(len(text) >> 3)  # each character is looked up


@method("lowerAscii", "string")
def lower_ascii(budget: Budget, text: str) -> str:
    _pay_translation(budget, text)
    return text.lower() if text.isascii() else in_windows(text, lambda part: part.translate(_LOWER))


@method("upperAscii", "string")
def upper_ascii(budget: Budget, text: str) -> str:
    _pay_translation(budget, text)
    return text.upper() if text.isascii() else in_windows(text, lambda part: part.translate(_UPPER))


@method("trim", "string")
def trim(budget: Budget, text: str) -> str:
    budget.text(len(text))
    begin, end = 0, len(text)
    while begin < end and not (piece := text[begin : begin + _PIECE]).strip(_SPACE):
        begin += len(piece)
    while begin < end and not (piece := text[max(begin, end - _PIECE) : end]).strip(_SPACE):
        end -= len(piece)
    begin += len(text[begin : begin + _PIECE]) - len(text[begin : begin + _PIECE].lstrip(_SPACE))
    return text[begin:end].rstrip(_SPACE)


@method("reverse", "string")
def reverse(budget: Budget, text: str) -> str:
    budget.text(len(text))
    return text[::-1]


@method("substring", "string", "int")
@method("substring", "string", "int", "int")
def substring(budget: Budget, text: str, start: int, end: int | None = None) -> str:
    start, end = _within(start, len(text)), len(text) if end is None else _within(end, len(text))
    if start > end:
        raise Fault("substring() begins after its end")
    budget.text(end - start)
    return text[start:end]


@method("replace", "string", "string", "string")
@method("replace", "string", "string", "string", "int")
def replace(budget: Budget, text: str, old: str, new: str, limit: int = -1) -> str:
    found = count(budget, text, old)
    if 0 <= limit < found:
        found = limit
    budget.text(max(len(text), len(text) + found * (len(new) - len(old))))
    return text.replace(old, new, found)


@method("split", "string", "string")
@method("split", "string", "string", "int")
def split(budget: Budget, text: str, separator: str, limit: int = -1) -> list[str]:
    if limit == 0:
        return []
    pieces = len(text) if not separator else count(budget, text, separator) + 1
    if 0 < limit < pieces:
        pieces = limit
    budget.elements(pieces)
    budget.text(len(text))
    if separator:
        return text.split(separator, pieces - 1)
    return [*text[: pieces - 1], text[pieces - 1 :]] if text else []


@method("join", "list")
@method("join", "list", "string")
def join(budget: Budget, parts: Sequence[Any], separator: str = "") -> str:
    texts, length = [], 0
    for part in parts:
        if not isinstance(part, str):
            raise Fault("join() joins strings; turn the elements into text with map(x, string(x))")
        length += len(part) + len(separator)
        budget.spend(1)
        if length > budget.limits.string_length:
            budget.text(length)
        texts.append(part)
    budget.text(length)
    return separator.join(texts)


_QUOTED: Final = str.maketrans(
    {
        "\a": "\\a",
        "\b": "\\b",
        "\f": "\\f",
        "\n": "\\n",
        "\r": "\\r",
        "\t": "\\t",
        "\v": "\\v",
        "\\": "\\\\",
        '"': '\\"',
    }
    | {chr(code): "\ufffd" for code in range(0xD800, 0xE000)}
)


@function("strings.quote", "string")
def quote(budget: Budget, text: str) -> str:
    """Return the text as a string literal."""
    budget.text(2 * len(text) + 2)
    _pay_translation(budget, text)
    return '"' + in_windows(text, lambda part: part.translate(_QUOTED)) + '"'
