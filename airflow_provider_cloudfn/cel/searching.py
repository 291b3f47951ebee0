"""
Looking for text in text, in time that is paid for.

Python takes the product of both lengths at worst, where one of them is short or the search goes backwards. So that product is
charged where Python may need it, a backward search is a forward one over reversed text, and one call looks through a window
at a time: a signal, such as that of a task's time limit, waits until a call is over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from airflow_provider_cloudfn.cel.faults import LimitFault

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_cloudfn.cel.limits import Budget

__all__ = ["count", "find", "in_windows", "last"]

#: How many characters one call looks through, besides those of what it looks for.
_WINDOW: Final = 1 << 20

#: How many characters one call changes.
_CHANGED: Final = 1 << 16

#: Up to these lengths Python compares each place with all that is looked for; beyond, it takes linear time.
_SHORT_TEXT: Final = 30_000
_SHORT_PART: Final = 100
_SHORTER_TEXT: Final = 2_500


def _pay(budget: Budget, text: str, part: str) -> None:
    """Account for a search, by what it costs at worst."""
    length, wanted = len(text), len(part)
    if wanted > _WINDOW:
        raise LimitFault(f"text that is looked for has {_WINDOW:,} characters at most")
    if length < _SHORTER_TEXT or (length < _SHORT_TEXT and wanted < _SHORT_PART):
        budget.spend(length * min(wanted, length) >> 10)
    else:
        budget.spend(length + wanted >> 8)


def find(budget: Budget, text: str, part: str, start: int = 0) -> int:
    """
    Return where a text has a part first, -1 where it doesn't.

    :raises LimitFault: for a part of more than a million characters, and when no steps are left.
    """
    _pay(budget, text, part)
    if len(text) <= _WINDOW:
        return text.find(part, start)
    for begin in range(start, max(len(text) - len(part), start) + 1, _WINDOW):
        found = text.find(part, begin, begin + _WINDOW + len(part) - 1 if part else begin)
        if found >= 0:
            return found
    return -1


def last(budget: Budget, text: str, part: str, end: int) -> int:
    """
    Return where a text has a part last, -1 where it doesn't.

    :param end: Where the text ends for the search.
    """
    _pay(budget, text, part)
    mirrored = part[::-1]
    stop = min(end, len(text))
    while True:
        begin = max(stop - _WINDOW - len(part) + 1, 0)
        found = text[begin:stop][::-1].find(mirrored)
        if found >= 0:
            return stop - found - len(part)
        if begin == 0:
            return -1
        stop = begin + len(part) - 1


def count(budget: Budget, text: str, part: str) -> int:
    """Return how often a text has a part, without overlaps; an empty one before each character, and at the end."""
    _pay(budget, text, part)
    return text.count(part)


def in_windows(text: str, change: Callable[[str], str]) -> str:
    """Return a text changed, a window at a time, whatever stands around that."""
    if len(text) <= _CHANGED:
        return change(text)
    return "".join([change(text[begin : begin + _CHANGED]) for begin in range(0, len(text), _CHANGED)])
