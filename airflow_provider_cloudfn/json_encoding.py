"""
JSON text (RFC 8259): the one way in which values become it, and how what an author wrote is read.

Request bodies, completion records and ``json.encode`` of expressions are written here.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import math
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any, TypeAlias, TypeGuard

from airflow_provider_cloudfn.exceptions import ConfigurationError, LimitError

__all__ = [
    "JsonValue",
    "RepeatedKeyError",
    "duration_text",
    "encode_json",
    "parse_foreign_json",
    "read_json",
    "timestamp_text",
    "to_json_value",
]

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"

_DEPTH = 200


class RepeatedKeyError(Exception):
    """
    JSON text has a key twice in one object, so nobody knows which value it means.

    :param key: The key.
    """

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def encode_json(value: object) -> str:
    """
    Encode a value as compact JSON text.

    A datetime becomes RFC 3339, a timedelta ``"3600s"``, bytes base64 (RFC 4648, section 4), an integer its digits, a
    :class:`~decimal.Decimal` exactly the number it is. Keys keep their order.

    :param value: Python values, nested as deep as 200.
    :raises ConfigurationError: for NaN, infinity, a key that is no string, a lone surrogate, a cycle, or another type;
        the message gives the path to it, such as ``items[2].price``, and never the value.
    :raises LimitError: for more than five million elements; parts that a value shares count as often as they stand in it.
    """
    if _is_json_already(value, 0, _Elements()):
        try:
            text = _encoded(value)
            text.encode()
        except ValueError:
            pass  # NaN, or a lone surrogate: what follows says where.
        else:
            return text
    chunks: list[str] = []
    _write(value, chunks.append, (), 0, _Elements())
    return "".join(chunks)


def to_json_value(value: object, *, exact: bool = False, bytes_as: Callable[[bytes], Any] | None = None) -> Any:
    """
    Return the value as what a JSON parser would make of :func:`encode_json`'s text: what an XCom or an asset event holds.

    :param value: Python values. A :class:`~decimal.Decimal` becomes an int or the nearest float.
    :param exact: Leave a :class:`~decimal.Decimal` that no float equals as it is, for :func:`encode_json` to write.
    :param bytes_as: Returns what stands for bytes, wherever they are; default their Base64.
    :raises ConfigurationError: as :func:`encode_json`.
    :raises LimitError: as :func:`encode_json`.
    """
    return _plain(value, (), 0, exact, bytes_as, _Elements())


def timestamp_text(value: dt.datetime) -> str:
    """
    Write a datetime as RFC 3339, in UTC as ``Z``, with as many sub-second digits as it has.

    :param value: An aware datetime; one without time zone is taken as UTC, as Airflow does.
    """
    if value.tzinfo is None:
        value = value.replace(tzinfo=dt.UTC)
    utc = value.astimezone(dt.UTC).replace(tzinfo=None)
    text = utc.isoformat()
    return (text.rstrip("0") if "." in text else text) + "Z"


def duration_text(value: dt.timedelta) -> str:
    """
    Write a timedelta in seconds, as JSON of protocol buffers does: ``"3600s"``, ``"-1.5s"``.

    :param value: Any timedelta.
    """
    microseconds = (value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds
    sign = "-" if microseconds < 0 else ""
    seconds, fraction = divmod(abs(microseconds), 1_000_000)
    return f"{sign}{seconds}.{fraction:06d}".rstrip("0") + "s" if fraction else f"{sign}{seconds}s"


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
        parsed = dict(found)
        if len(parsed) < len(found):
            names = [name for name, _ in found]
            raise RepeatedKeyError(next(name for name in names if names.count(name) > 1))
        return parsed

    try:
        return json.loads(text, parse_constant=refuse, parse_float=Decimal, object_pairs_hook=pairs)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def parse_foreign_json(text: str) -> Any:
    """
    Return the value of JSON text that somebody else wrote: an answer's body, or what ``json.decode`` is given.

    A byte order mark is ignored (RFC 8259), half of a character becomes U+FFFD, and of a key that stands twice in an object
    the last value counts.

    :param text: The text.
    :raises ValueError: for what is none, and a number that no double is near to; the message goes on after "it".
    """
    if _SURROGATE.search(text):
        text = _PAIR_OR_HALF.sub(lambda found: found[1] or r"\ufffd", text)
    try:
        return _DECODER.decode(text.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        reason = f"is none at line {error.lineno}, column {error.colno}"
    except _NoJsonError as error:
        reason = str(error)
    except ValueError:
        # Python's own bound: reading a number takes time that grows with the square of its length.
        reason = "has a number of thousands of digits"
    except RecursionError:
        reason = "is nested too deep"
    raise ValueError(reason)


class _NoJsonError(ValueError):
    """A part of a text is no JSON."""


def _refuse(constant: str) -> None:
    raise _NoJsonError(f"has {constant}, which is none")


def _finite(text: str) -> float:
    number = float(text)
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


#: Writes as `_write` does, in C, what is made of nothing but JSON's own types.
_ENCODER = json.JSONEncoder(ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ":"))
_OWN_SCALARS = frozenset({str, int, float, bool, type(None)})


_MOST_ELEMENTS = 5_000_000
#: How many elements are encoded by one call, which no signal can end.
_AT_ONCE = 20_000


class _Elements:
    """
    Counts the elements of what becomes JSON.

    :param most: How many there may be.
    """

    __slots__ = ("left",)

    def __init__(self, most: int = _MOST_ELEMENTS) -> None:
        self.left = most

    def take(self, container: Mapping[Any, Any] | Sequence[Any]) -> None:
        self.left -= len(container) + 1
        if self.left < 0:
            raise LimitError(
                f"the value has more than {_MOST_ELEMENTS:,} elements when it is written as JSON; parts that it shares, such "
                "as a list that each element of another list has, are written each time"
            )


def _encoded(value: Any) -> str:
    """Return the text of what is made of JSON's own types."""
    if type(value) in _OWN_SCALARS or len(value) == 0:
        return _ENCODER.encode(value)
    try:
        _is_json_already(value, 0, _Elements(_AT_ONCE))
    except LimitError:
        if type(value) is dict:
            return "{" + ",".join([f"{encode_basestring(key)}:{_encoded(item)}" for key, item in value.items()]) + "}"
        half = len(value) // 2
        if half == 0:
            return f"[{_encoded(value[0])}]"
        return f"{_encoded(value[:half])[:-1]},{_encoded(value[half:])[1:]}"
    return _ENCODER.encode(value)


def _is_json_already(value: object, depth: int, elements: _Elements) -> bool:
    kind = type(value)
    if kind in _OWN_SCALARS:
        return True
    if depth >= _DEPTH:
        return False
    if kind is dict:
        elements.take(value)  # type: ignore[arg-type]  # a dict, by its type
        for key, item in value.items():  # type: ignore[attr-defined]  # a dict, by its type
            if type(key) is not str or not (type(item) in _OWN_SCALARS or _is_json_already(item, depth + 1, elements)):
                return False
        return True
    if kind is list or kind is tuple:
        items: Sequence[object] = value  # type: ignore[assignment]  # a list, by its type
        elements.take(items)
        return all(type(item) in _OWN_SCALARS or _is_json_already(item, depth + 1, elements) for item in items)
    return False


_Path = tuple[object, ...]


def _scalar(value: object, path: _Path) -> str | float | bool | Decimal | None:
    """Return what stands for a value that is neither map nor list."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value, path)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, Decimal):
        # Asked of itself: as a float, a large one would be infinite.
        if not value.is_finite():
            raise _refusal(path, "NaN" if value.is_nan() else "infinity")
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise _refusal(path, "NaN" if math.isnan(value) else "infinity")
        return float(value)
    for kind, text in _TEXTS:
        if isinstance(value, kind):
            return text(value)
    raise _refusal(path, f"a value of type {type(value).__name__}")


def _text(value: str, path: _Path) -> str:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise _refusal(path, "text with a lone surrogate") from None
    return str(value)


#: What becomes text; a datetime stands before the date that it is, too.
_TEXTS: tuple[tuple[type[Any] | tuple[type[Any], ...], Callable[[Any], str]], ...] = (
    (dt.datetime, timestamp_text),
    ((dt.date, dt.time), lambda value: value.isoformat()),
    (dt.timedelta, duration_text),
    ((bytes, bytearray, memoryview), lambda value: base64.b64encode(value).decode("ascii")),
    (uuid.UUID, str),
)


def _write(value: object, write: Callable[[str], object], path: _Path, depth: int, elements: _Elements) -> None:
    if isinstance(value, Mapping):
        _guard(depth, path)
        elements.take(value)
        separator = "{"
        for key, item in value.items():
            write(separator + encode_basestring(_key(key, path)) + ":")
            _write(item, write, (*path, key), depth + 1, elements)
            separator = ","
        write("{}" if separator == "{" else "}")
    elif _is_list(value):
        _guard(depth, path)
        elements.take(value)
        separator = "["
        for index, item in enumerate(value):
            write(separator)
            _write(item, write, (*path, index), depth + 1, elements)
            separator = ","
        write("[]" if separator == "[" else "]")
    else:
        write(_scalar_text(_scalar(value, path)))


def _scalar_text(value: str | float | bool | Decimal | None) -> str:
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, str):
        return encode_basestring(value)
    return repr(value) if isinstance(value, float) else str(value)


def _plain(
    value: object, path: _Path, depth: int, exact: bool, bytes_as: Callable[[bytes], Any] | None, elements: _Elements
) -> Any:
    kind = type(value)
    # Most of what there is, such as all of an answer but its floats, is what it will be.
    if value is None or kind is int or kind is bool or (kind is str and value.isascii()):  # type: ignore[attr-defined]  # text
        return value
    if isinstance(value, (dict, Mapping)):
        _guard(depth, path)
        elements.take(value)
        return {
            _key(key, path): _plain(item, (*path, key), depth + 1, exact, bytes_as, elements)
            for key, item in value.items()
        }
    if _is_list(value):
        _guard(depth, path)
        elements.take(value)
        return [_plain(item, (*path, index), depth + 1, exact, bytes_as, elements) for index, item in enumerate(value)]
    if bytes_as is not None and isinstance(value, (bytes, bytearray, memoryview)):
        return bytes_as(bytes(value))
    plain = _scalar(value, path)
    return _number(plain, exact) if isinstance(plain, Decimal) else plain


def _number(value: Decimal, exact: bool) -> float | Decimal:
    if value == value.to_integral_value() and abs(value) < 10**18:
        return int(value)
    number = float(value)
    if math.isinf(number):
        return value
    return value if exact and Decimal(repr(number)) != value else number


def _is_list(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, (list, tuple, Sequence)) and not isinstance(value, (str, bytes, bytearray, memoryview))


def _key(key: object, path: _Path) -> str:
    if type(key) is str and key.isascii():
        return key
    if not isinstance(key, str):
        raise _refusal(path, f"a key of type {type(key).__name__}, where JSON has only text as keys")
    _scalar(key, path)
    return str(key)


def _guard(depth: int, path: _Path) -> None:
    if depth >= _DEPTH:
        raise _refusal(path[:3], f"a value nested deeper than {_DEPTH}")


def _refusal(path: _Path, what: str) -> ConfigurationError:
    where = ""
    for part in path:
        if isinstance(part, str):
            where += ("." if where else "") + part if part.isidentifier() else f'["{part}"]'
        else:
            where += f"[{part}]"
    return ConfigurationError(f"{where or 'value'}: {what} can't be written as JSON")
