"""
Literals of CEL: their patterns, which the grammar shares, and their values.

The patterns take time proportional to the text, whatever it is; and a source that is one literal and nothing else, as
most are, is decoded here without any parser.
"""

from __future__ import annotations

import re
from typing import Any, Final

from airflow_provider_cloudfn.cel.values import MAX_INT, MAX_UINT, MIN_INT, UInt
from airflow_provider_cloudfn.json_encoding import number_of

__all__ = ["CONSTANTS", "PATTERNS", "LiteralError", "decode", "is_quoted", "plain_literal"]

_TEXT: Final = (
    r'"""(?:[^"\\]|\\[\s\S]|"(?!""))*"""'
    r"|'''(?:[^'\\]|\\[\s\S]|'(?!''))*'''"
    r'|"(?:[^"\\\r\n]|\\[^\r\n])*"'
    r"|'(?:[^'\\\r\n]|\\[^\r\n])*'"
)
_RAW: Final = (
    r'"""(?:[^"]|"(?!""))*"""'
    r"|'''(?:[^']|'(?!''))*'''"
    r'|"[^"\r\n]*"'
    r"|'[^'\r\n]*'"
)

#: The terminals of literals by name, the first that matches first.
PATTERNS: Final[dict[str, str]] = {
    "BYTES": f"(?:[bB](?:{_TEXT})|(?:[bB][rR]|[rR][bB])(?:{_RAW}))",
    "STRING": f"(?:{_TEXT}|[rR](?:{_RAW}))",
    "DOUBLE": r"(?:(?:[0-9]+\.[0-9]+|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+)",
    "UINT": r"(?:0[xX][0-9a-fA-F]+|[0-9]+)[uU]",
    "INT": r"(?:0[xX][0-9a-fA-F]+|[0-9]+)",
}

_LITERAL: Final = re.compile(r"\s*(?:" + "|".join(f"(?P<{k}>{p})" for k, p in PATTERNS.items()) + r")\s*\Z")
CONSTANTS: Final = {"true": True, "false": False, "null": None}

_ESCAPE: Final = re.compile(
    r"""\\(?:(?P<plain>[abfnrtv\\?"'`])|[xX](?P<hex>[0-9a-fA-F]{2})|u(?P<u4>[0-9a-fA-F]{4})"""
    r"""|U(?P<u8>[0-9a-fA-F]{8})|(?P<octal>[0-3][0-7]{2})|(?P<bad>[\s\S]?))"""
)
_PLAIN: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class LiteralError(ValueError):
    """
    A literal has no value.

    :param offset: Where in the literal.
    """

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


def plain_literal(source: str) -> tuple[bool, Any]:
    """
    Return whether the source is one literal and nothing else, and its value.

    :raises LiteralError: when it is a literal without a value.
    """
    word = source.strip()
    if word in CONSTANTS:
        return True, CONSTANTS[word]
    match = _LITERAL.match(source)
    if match is None or match.lastgroup is None:
        return False, None
    return True, decode(match.lastgroup, match[match.lastgroup])


def is_quoted(source: str) -> bool:
    """Return whether the source is one string literal and nothing else."""
    match = _LITERAL.match(source)
    return match is not None and match.lastgroup == "STRING"


def decode(kind: str, text: str) -> Any:
    """
    Return the value of a literal.

    :param kind: The name of its terminal, one of :data:`PATTERNS`.
    :param text: The literal as it stands in the source.
    :raises LiteralError: when it has no value: a bad escape, or a number out of range.
    """
    return _DECODERS[kind](text)


def _string(text: str) -> str:
    raw = text[0] in "rR"
    body, start = _body(text[1:] if raw else text)
    if raw or "\\" not in body:
        return body
    return _ESCAPE.sub(lambda match: _character(match, start), body)


def _bytes(text: str) -> bytes:
    quote = next(index for index, character in enumerate(text) if character in "\"'")
    body, start = _body(text[quote:])
    try:
        if quote == 2 or "\\" not in body:  # a raw one
            return body.encode("utf-8")
        parts, end = [], 0
        for match in _ESCAPE.finditer(body):
            parts.append(body[end : match.start()].encode("utf-8"))
            parts.append(_octets(match, start + quote))
            end = match.end()
        parts.append(body[end:].encode("utf-8"))
    except UnicodeEncodeError:
        raise LiteralError("a lone surrogate is no character") from None
    return b"".join(parts)


def _body(text: str) -> tuple[str, int]:
    width = 3 if len(text) >= 6 and text[:3] in ('"""', "'''") else 1
    return text[width:-width], width


def _character(match: re.Match[str], start: int) -> str:
    name = match.lastgroup or "bad"
    value = match[name]
    if name == "plain":
        return _PLAIN.get(value, value)
    if name == "bad":
        raise _bad_escape(match, start)
    code = int(value, 8 if name == "octal" else 16)
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        raise LiteralError(f"the escape {match[0]} is no character", start + match.start())
    return chr(code)


def _octets(match: re.Match[str], start: int) -> bytes:
    name = match.lastgroup or "bad"
    value = match[name]
    if name == "plain":
        return _PLAIN.get(value, value).encode("ascii")
    if name in ("hex", "octal"):
        return bytes([int(value, 8 if name == "octal" else 16)])
    if name == "bad":
        raise _bad_escape(match, start)
    raise LiteralError(
        f"the escape {match[0]} is not allowed in bytes; write \\x and two digits", start + match.start()
    )


def _bad_escape(match: re.Match[str], start: int) -> LiteralError:
    return LiteralError(
        f'{match[0]!r} is no escape; write \\\\ for a backslash, or r"…" for text without escapes',
        start + match.start(),
    )


def _integer(text: str) -> int:
    digits = text.lstrip("-0xX")
    if len(digits) > 20:
        raise LiteralError("the number does not fit in 64 bits")
    return int(text, 16 if "x" in text or "X" in text else 10)


def _int(text: str) -> int:
    value = _integer(text)
    if not MIN_INT <= value <= MAX_INT:
        raise LiteralError("the integer does not fit in 64 bits; write it as text, or as a uint with u behind it")
    return value


def _uint(text: str) -> UInt:
    value = _integer(text[:-1])
    if value > MAX_UINT:
        raise LiteralError("the unsigned integer does not fit in 64 bits; write it as text")
    return UInt(value)


_DECODERS: Final[dict[str, Any]] = {"STRING": _string, "BYTES": _bytes, "DOUBLE": number_of, "INT": _int, "UINT": _uint}
