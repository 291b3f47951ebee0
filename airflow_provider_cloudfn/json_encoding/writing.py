"""The one way in which values become JSON text, or what XCom and asset events hold."""

from __future__ import annotations

import base64
import datetime as dt
import json
import math
import uuid
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from json.encoder import c_make_encoder, encode_basestring  # type: ignore[attr-defined]  # the stubs lack the first
from typing import Any, TypeAlias, TypeGuard

from airflow_provider_cloudfn.exceptions import ConfigurationError, LimitError, in_words
from airflow_provider_cloudfn.json_encoding.numbers import JsonNumber, kept, without_decimal
from airflow_provider_cloudfn.json_encoding.times import duration_text, timestamp_text

__all__ = [
    "MOST_CHARACTERS",
    "JsonValue",
    "encode_json",
    "to_json_value",
]

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"

_DEPTH = 200


def encode_json(value: object) -> str:
    """
    Encode a value as compact JSON text.

    A datetime becomes RFC 3339, a timedelta ``"3600s"``, bytes base64 (RFC 4648, section 4), an integer its digits, a
    :class:`~decimal.Decimal` exactly the number it is, and so does a
    :class:`~airflow_provider_cloudfn.json_encoding.numbers.JsonNumber`. Keys keep their order.

    :param value: Python values, nested as deep as 200.
    :raises ConfigurationError: for NaN, infinity, a key that is no string, a lone surrogate, a cycle, or another type;
        the message gives the path to it, such as ``items[2].price``, and never the value.
    :raises LimitError: for more than five million elements, or a hundred million characters in them; parts that a value
        shares count as often as they stand in it.
    """
    size = _Size()
    if _is_json_already(value, 0, size):
        try:
            text = _at_once(value) if size.is_small else _encoded(value)
            if not text.isascii():
                text.encode()
        except ValueError:
            pass  # NaN, or a lone surrogate: what follows says where.
        else:
            return text
    chunks: list[str] = []
    _write(value, chunks.append, (), 0, _Size())
    return "".join(chunks)


def to_json_value(
    value: object, *, exact: bool = False, bytes_as: Callable[[bytes], Any] | None = None, is_copied: bool = True
) -> Any:
    """
    Return the value as what a JSON parser would make of :func:`encode_json`'s text: what an XCom or an asset event holds.

    A number that Airflow would change is put aside: see :func:`~airflow_provider_cloudfn.json_encoding.numbers.kept`. The
    character U+0000, which its database can't hold, becomes U+FFFD.

    :param value: Python values.
    :param exact: For :func:`encode_json` to write: numbers keep all their digits, and text is as it was.
    :param bytes_as: Returns what stands for bytes, wherever they are; default their Base64.
    :param is_copied: Whether the value may change later, so that lists and maps that are right already are copied.
    :raises ConfigurationError: as :func:`encode_json`.
    :raises LimitError: as :func:`encode_json`.
    """
    if not (exact or is_copied) and _is_json_already(value, 0, _Size(), is_kept=True):
        return value
    return _plain(value, (), 0, exact, bytes_as, _Size())


#: Writes as `_write` does, in C, what is made of nothing but JSON's own types.
_ENCODER = json.JSONEncoder(ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ":"))
#: What it makes anew for each value, which takes longer than to write a small one; None where Python has it in Python only.
_IN_C = c_make_encoder and c_make_encoder(
    None, _ENCODER.default, encode_basestring, None, ":", ",", False, False, False
)
_SHORT = frozenset({float, bool, type(None)})
_OWN_SCALARS, _OWN_CONTAINERS = _SHORT | {str, int}, frozenset({dict, list, tuple})

_MOST_ELEMENTS = 5_000_000
#: How many there may be in the texts of one value, or of one form.
MOST_CHARACTERS = 100_000_000
#: How much is encoded by one call, which no signal can end.
_ELEMENTS_AT_ONCE = 20_000
_CHARACTERS_AT_ONCE = 10_000_000


class _Size:
    """
    Counts the elements of what becomes JSON, and the characters of their texts.

    :param elements: How many there may be.
    :param characters: How many of these.
    """

    __slots__ = ("characters", "elements")

    def __init__(self, elements: int = _MOST_ELEMENTS, characters: int = MOST_CHARACTERS) -> None:
        self.elements = elements
        self.characters = characters

    @property
    def is_small(self) -> bool:
        """Tell whether one call may encode all that was counted."""
        characters = MOST_CHARACTERS - self.characters
        return _MOST_ELEMENTS - self.elements <= _ELEMENTS_AT_ONCE and characters <= _CHARACTERS_AT_ONCE

    def take(self, container: Mapping[Any, Any] | Sequence[Any]) -> None:
        self.elements -= len(container) + 1
        if self.elements < 0:
            raise _too_much(f"{_MOST_ELEMENTS:,} elements")

    def write(self, characters: int) -> None:
        self.characters -= characters
        if self.characters < 0:
            raise _too_much(f"{MOST_CHARACTERS:,} characters")


def _digits(number: object) -> int:
    """Return about how many characters a number is written with, where that may be many; a byte holds three digits."""
    if isinstance(number, JsonNumber):
        return len(number.text)
    if isinstance(number, int):
        return number.bit_length() >> 2
    return 3 * number.__sizeof__() if isinstance(number, Decimal) else 0


def _too_much(what: str) -> LimitError:
    return LimitError(
        f"the value has more than {what} when it is written as JSON; parts that it shares, such as a list or a text that each "
        "element of another list has, are written each time"
    )


def _at_once(value: Any) -> str:
    return _ENCODER.encode(value) if _IN_C is None else "".join(_IN_C(value, 0))


def _encoded(value: Any) -> str:
    """Return the text of what is made of JSON's own types."""
    if type(value) in _OWN_SCALARS or len(value) == 0:
        return _at_once(value)
    try:
        _is_json_already(value, 0, _Size(_ELEMENTS_AT_ONCE, _CHARACTERS_AT_ONCE))
    except LimitError:
        if type(value) is dict:
            return "{" + ",".join([f"{encode_basestring(key)}:{_encoded(item)}" for key, item in value.items()]) + "}"
        half = len(value) // 2
        if half == 0:
            return f"[{_encoded(value[0])}]"
        return f"{_encoded(value[:half])[:-1]},{_encoded(value[half:])[1:]}"
    return _at_once(value)


def _is_json_already(value: object, depth: int, size: _Size, *, is_kept: bool = False) -> bool:
    """Return whether a value is made of nothing but JSON's own types, and is what XCom keeps of it, too, where that matters."""
    kind = type(value)
    if kind in _OWN_SCALARS:
        size.write(len(value) if kind is str else _digits(value))  # type: ignore[arg-type]  # text, by its type
        return not is_kept or _is_itself(value)
    if depth >= _DEPTH or kind not in _OWN_CONTAINERS or (is_kept and kind is tuple):
        return False
    size.take(value)  # type: ignore[arg-type]  # a list or a dict, by its type
    characters = 0
    items: Any = value
    if kind is dict:
        for key in items:
            if type(key) is not str or (is_kept and not _is_itself(key)):
                return False
            characters += len(key)
        items = items.values()
    for item in items:
        kind = type(item)
        if kind in _OWN_SCALARS:
            if is_kept and not _is_itself(item):
                return False
            if kind is str:
                characters += len(item)
            elif kind is int:
                characters += item.bit_length() >> 2
        elif not _is_json_already(item, depth + 1, size, is_kept=is_kept):
            return False
    size.write(characters)
    return True


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
    if isinstance(value, JsonNumber):
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
    if not _is_unicode(value):
        raise _refusal(path, "text with a lone surrogate")
    return str(value)


#: What becomes text; a datetime stands before the date that it is, too.
_TEXTS: tuple[tuple[type[Any] | tuple[type[Any], ...], Callable[[Any], str]], ...] = (
    (dt.datetime, timestamp_text),
    ((dt.date, dt.time), lambda value: value.isoformat()),
    (dt.timedelta, duration_text),
    ((bytes, bytearray, memoryview), lambda value: base64.b64encode(value).decode("ascii")),
    (uuid.UUID, str),
)


def _write(value: object, write: Callable[[str], object], path: _Path, depth: int, size: _Size) -> None:
    if isinstance(value, Mapping):
        _guard(depth, path)
        size.take(value)
        separator = "{"
        for key, item in value.items():
            size.write(len(name := _key(key, path)))
            write(separator + encode_basestring(name) + ":")
            _write(item, write, (*path, key), depth + 1, size)
            separator = ","
        write("{}" if separator == "{" else "}")
    elif _is_list(value):
        _guard(depth, path)
        size.take(value)
        separator = "["
        for index, item in enumerate(value):
            write(separator)
            _write(item, write, (*path, index), depth + 1, size)
            separator = ","
        write("[]" if separator == "[" else "]")
    else:
        scalar = _scalar(value, path)
        size.write(len(scalar) if isinstance(scalar, str) else _digits(scalar))
        write(_scalar_text(scalar))


def _scalar_text(value: str | float | bool | Decimal | None) -> str:
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, str):
        return encode_basestring(value)
    if isinstance(value, JsonNumber):
        return value.text
    return repr(value) if isinstance(value, float) else str(value)


def _plain(
    value: object, path: _Path, depth: int, exact: bool, bytes_as: Callable[[bytes], Any] | None, size: _Size
) -> Any:
    kind = type(value)
    if kind is str:
        size.write(len(value))  # type: ignore[arg-type]  # text
    if _is_itself(value):
        return value
    if kind is int:
        size.write(value.bit_length() >> 2)  # type: ignore[attr-defined]  # an integer, by its type
        return value if exact else kept(value)  # type: ignore[arg-type]  # an integer, by its type
    if isinstance(value, (dict, Mapping)):
        return _plain_object(value, path, depth, exact, bytes_as, size)
    if _is_list(value):
        return _plain_array(value, path, depth, exact, bytes_as, size)
    if bytes_as is not None and isinstance(value, (bytes, bytearray, memoryview)):
        return bytes_as(bytes(value))
    size.write(_digits(value))
    plain = _scalar(value, path)
    if isinstance(plain, str):
        size.write(len(plain) if kind is not str else 0)
        return plain if exact else plain.replace("\0", "\ufffd")
    if plain is None or isinstance(plain, bool):
        return plain
    if not exact:
        return kept(plain)
    return without_decimal(plain) if isinstance(plain, Decimal) else plain


def _plain_object(
    value: Mapping[Any, Any], path: _Path, depth: int, exact: bool, bytes_as: Callable[[bytes], Any] | None, size: _Size
) -> dict[str, Any]:
    _guard(depth, path)
    size.take(value)
    plain: dict[str, Any] = {}
    characters = 0
    for key, item in value.items():
        name = key if type(key) is str and _is_itself(key) else _key(key, path, exact)
        characters += len(name)
        if _is_itself(item):
            if type(item) is str:
                characters += len(item)
            plain[name] = item
        else:
            plain[name] = _plain(item, (*path, key), depth + 1, exact, bytes_as, size)
    size.write(characters)
    return plain


def _plain_array(
    value: Sequence[Any], path: _Path, depth: int, exact: bool, bytes_as: Callable[[bytes], Any] | None, size: _Size
) -> list[Any]:
    _guard(depth, path)
    size.take(value)
    plain: list[Any] = []
    characters = 0
    for index, item in enumerate(value):
        if _is_itself(item):
            if type(item) is str:
                characters += len(item)
            plain.append(item)
        else:
            plain.append(_plain(item, (*path, index), depth + 1, exact, bytes_as, size))
    size.write(characters)
    return plain


def _is_itself(value: object) -> bool:
    """Return whether a value is what it will be, as most of what there is."""
    kind = type(value)
    if kind is str:
        return "\0" not in value and (value.isascii() or _is_unicode(value))  # type: ignore[operator,attr-defined,arg-type]  # text
    if kind is int:
        return -(2**63) <= value < 2**63  # type: ignore[operator]  # an integer
    if kind is float:
        return math.isfinite(value)  # type: ignore[arg-type]  # a number
    return value is None or kind is bool


def _is_unicode(text: str) -> bool:
    """Return whether there is no lone surrogate in a text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_list(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, (list, tuple, Sequence)) and not isinstance(value, (str, bytes, bytearray, memoryview))


def _key(key: object, path: _Path, exact: bool = True) -> str:
    if not exact and isinstance(key, str):
        key = key.replace("\0", "\ufffd")
    if type(key) is str and key.isascii():
        return key
    if not isinstance(key, str):
        raise _refusal(path, f"a key that is {in_words(key)}", ", where all keys are text")
    _scalar(key, path)
    return str(key)


def _guard(depth: int, path: _Path) -> None:
    if depth >= _DEPTH:
        raise _refusal(path[:3], f"a value nested deeper than {_DEPTH}")


def _refusal(path: _Path, what: str, why: str = "") -> ConfigurationError:
    where = ""
    for part in path:
        if isinstance(part, str):
            where += ("." if where else "") + part if part.isidentifier() else f'["{part}"]'
        else:
            where += f"[{part}]"
    return ConfigurationError(f"{where}{': ' if where else ''}{what} can't be written as JSON{why}")
