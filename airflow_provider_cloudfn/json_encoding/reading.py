"""How JSON text is read: what an author wrote, and what somebody else did."""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal, InvalidOperation
from json.scanner import py_make_scanner  # type: ignore[attr-defined]  # the stubs lack it
from typing import Any, Final

from airflow_provider_cloudfn.json_encoding.numbers import LONGEST_NUMBER, number_of

__all__ = [
    "MOST_VALUES",
    "RepeatedKeyError",
    "TooManyValuesError",
    "has_half_characters",
    "parse_foreign_json",
    "read_json",
]

#: How many values a text may have. Each takes about a hundred bytes, in the text perhaps two.
MOST_VALUES: Final = 2_000_000


class RepeatedKeyError(Exception):
    """
    JSON text has a key twice in one object, so nobody knows which value it means.

    :param key: The key.
    """

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


class TooManyValuesError(ValueError):
    """JSON text has more values than there is memory for. The message goes on after "it"."""


def read_json(text: str) -> Any:
    """
    Return what JSON text means. Numbers with a fraction keep all their digits.

    :param text: The text.
    :raises ValueError: for text that is no JSON; `NaN` and its like are none (RFC 8259).
    :raises RepeatedKeyError: for an object that has a key twice.
    """

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        parsed: dict[str, Any] = {}
        for name, value in found:
            if name in parsed:
                raise RepeatedKeyError(name)
            parsed[name] = value
        return parsed

    try:
        return json.loads(text, parse_constant=refuse, parse_float=Decimal, object_pairs_hook=pairs)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except InvalidOperation:
        raise ValueError("a number whose exponent is too large") from None


def parse_foreign_json(text: str, *, can_be_ended: bool = False) -> Any:
    """
    Return the value of JSON text that somebody else wrote: an answer's body, or what ``json.decode`` is given.

    A byte order mark is ignored (RFC 8259), half of a character becomes U+FFFD, and of a key that stands twice in an object
    the last value counts.

    :param text: The text.
    :param can_be_ended: Whether a signal, as that of ``execution_timeout``, can end the reading of a long text too. That takes
        some five times as long.
    :raises ValueError: for what is none, and a number that no double is near to; the message goes on after "it".
    :raises TooManyValuesError: for more than :data:`MOST_VALUES`.
    """
    if _has_too_many_values(text):
        raise TooManyValuesError(f"has more than {MOST_VALUES:,} values")
    if _SURROGATE.search(text):
        text = _PAIR_OR_HALF.sub(lambda found: found[1] or r"\ufffd", text)
    decoder = _DECODER_IN_STEPS if can_be_ended and len(text) > _CHARACTERS_AT_ONCE else _DECODER
    try:
        return decoder.decode(text.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        reason = f"is none at line {error.lineno}, column {error.colno}"
    except _NoJsonError as error:
        reason = str(error)
    except ValueError:
        # Python's own bound: reading a number takes time that grows with the square of its length.
        reason = _TOO_LONG
    except RecursionError:
        reason = "is nested too deep"
    raise ValueError(reason)


def has_half_characters(text: str) -> bool:
    """
    Tell whether JSON text has halves of characters, which :func:`parse_foreign_json` reads as U+FFFD, as one that is written so.

    :param text: The text.
    """
    return any(found[1] is None for found in _PAIR_OR_HALF.finditer(text))


def _has_too_many_values(text: str) -> bool:
    # Each has a character of its own.
    if len(text) <= MOST_VALUES or _most_values(text) <= MOST_VALUES:
        return False
    return _most_values(_TEXT.sub('""', text)) > MOST_VALUES


def _most_values(text: str) -> int:
    """Return how many values a text can have: no fewer than it has, and no more where there are no texts in it."""
    return 1 + sum(map(text.count, ",[{"))


#: A text, or the rest behind a quote that none ends; possessive, so that it is read once.
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)


_TOO_LONG: Final = "has a number of thousands of digits"


class _NoJsonError(ValueError):
    """A part of a text is no JSON."""


def _refuse(constant: str) -> None:
    raise _NoJsonError(f"has {constant}, which is none")


def _finite(text: str) -> float:
    if len(text) > LONGEST_NUMBER:
        raise _NoJsonError(_TOO_LONG)
    number = number_of(text)
    if math.isinf(number):
        raise _NoJsonError("has a number that is too large to be one here")
    return number


#: An escape that is half of a character, such as JavaScript leaves when it cuts an emoji: no text can be sent or kept with it.
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
#: What is whole is found first, an escaped backslash too, so that none of its parts is taken for such a half.
_PAIR_OR_HALF = re.compile(
    r"(\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)
_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite)
#: Reads the same in Python, between whose steps signals arrive; only a text within it is read by one call.
_DECODER_IN_STEPS = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite)
_DECODER_IN_STEPS.scan_once = py_make_scanner(_DECODER_IN_STEPS)  # type: ignore[attr-defined]  # the stubs lack it
#: How much is read by one call, which no signal can end.
_CHARACTERS_AT_ONCE: Final = 500_000
