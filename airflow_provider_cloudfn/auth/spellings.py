"""
The spellings that a secret gets from what writes it: one list, for whatever hides secrets.

A service that quotes a credential in its answer writes it as its encoder does, and encoders differ: in what they escape, in
how, and in the case of hexadecimal digits.
"""

from __future__ import annotations

import base64
import html
import json
import re
import unicodedata
from functools import lru_cache
from html.entities import codepoint2name
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

__all__ = ["MASK", "common_spellings", "hide", "spellings"]

#: What stands where a secret stood.
MASK = "***"

#: A secret with fewer characters is hidden where it stands by itself: inside of words nobody could tell it there.
_SHORT = 4

#: Fewer characters of base64 could stand anywhere by chance.
_SHORTEST_BASE64 = 6

#: A shorter line of a secret that has several says nothing, and could stand anywhere.
_SHORTEST_LINE = 12

#: How many characters stand in a line of base64: in PEM, and in MIME and what coreutils write.
_LINES_OF_BASE64 = (64, 76)

_FORMS: tuple[Literal["NFC", "NFD", "NFKC"], ...] = ("NFC", "NFD", "NFKC")

#: What encoders leave as it is, but for a few that write every sign in another way.
_PLAIN = re.compile(r"[\w.~-]*", re.ASCII)
_QUOTE = re.compile(r"""["'\\]""")
_SIGN = re.compile(r"[^\w.~-]", re.ASCII)

#: What a percent-encoder leaves as it is besides.
_URL_ENCODERS = (
    "/",  # paths
    "!*'()",  # encodeURIComponent
    "!*'();/?:@&=+$,#",  # encodeURI
)

#: The same for those that write a space as a plus sign.
_FORM_ENCODERS = (
    "*",  # browsers, Java
    "!*()",  # .NET
)

#: What a JSON encoder escapes besides what it must: some signs, what is outside ASCII or not, the solidus or not.
_JSON_ENCODERS = (
    ("", True, True),  # PHP
    ("", False, True),  # PHP, told to leave Unicode
    ("<>&", False, False),  # Go, Rails
    ("<>&'", True, False),  # Flask
    ("<>&'=", False, False),  # Gson
    ("<>&'\"", False, False),  # Newtonsoft, told to escape HTML
    ("<>&'\"", True, True),  # PHP, told to escape HTML
    ("<>&'\"+`", True, False),  # .NET
)

_XML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_QUOTED = {**_XML, '"': "&quot;"}

#: What an HTML encoder writes instead of a character.
_HTML_ENCODERS: tuple[Mapping[str, str], ...] = (
    _XML,  # between tags
    {"&": "&amp;", '"': "&quot;"},  # an attribute, as browsers write it
    {"&": "&amp;", "<": "&lt;", '"': "&quot;"},  # an attribute in canonical XML
    {"&": "&amp;", "<": "&lt;", '"': "&quot;", "'": "&#39;"},  # .NET's attributes
    _QUOTED,
    {**_QUOTED, "'": "&#39;"},
    {**_QUOTED, "'": "&#039;"},  # PHP
    {**_QUOTED, "'": "&apos;"},  # XML
    {**_XML, '"': "&#34;", "'": "&#39;"},  # Go
    {**_XML, '"': "&#34;", "'": "&#39;", "+": "&#43;"},  # Go's templates
    {**_QUOTED, "'": "&#x27;", "/": "&#x2F;"},  # OWASP
    {**_QUOTED, "'": "&#39;", "/": "&#x2F;", "`": "&#x60;", "=": "&#x3D;"},  # Mustache
)

#: The signs that have a name in HTML 5, and only there.
_NAMES = {
    "!": "excl", "#": "num", "$": "dollar", "%": "percnt", "'": "apos", "(": "lpar", ")": "rpar", "*": "ast",
    "+": "plus", ",": "comma", "/": "sol", ":": "colon", ";": "semi", "=": "equals", "?": "quest", "@": "commat",
    "[": "lsqb", "\\": "bsol", "]": "rsqb", "^": "Hat", "`": "grave", "{": "lcub", "|": "vert", "}": "rcub",
}  # fmt: skip


@lru_cache(maxsize=256)
def spellings(secret: str) -> tuple[str, ...]:
    """
    Return the texts as which a secret can stand in an answer, a log line or a file, the longest first.

    :param secret: The secret; of an empty one there are none.
    """
    found = {*_written(secret), *_lines(secret)}
    if not secret.isascii():
        # What Unicode takes for the same text is the same secret.
        for same in {unicodedata.normalize(form, secret) for form in _FORMS} - {secret}:
            found.update(common_spellings(same), _in_base64(same.encode("utf-8", "replace")))
    return tuple(sorted(found - {""}, key=len, reverse=True))


def _lines(secret: str) -> Iterator[str]:
    """Yield the lines of a secret that has several, such as a key in PEM: they may come one by one, or joined in another way."""
    lines = secret.split("\n")
    for line in map(str.strip, lines if len(lines) > 1 else ()):
        if len(line) >= _SHORTEST_LINE and "-----" not in line:
            yield from common_spellings(line)


def _written(secret: str) -> Iterator[str]:
    """Yield what encoders make of a text."""
    yield from common_spellings(secret)
    if not _PLAIN.fullmatch(secret):
        for write in (_in_urls, _in_json, _in_html, _by_sign, _in_two_ways, _as_bytes):
            yield from write(secret)
    content = secret.encode("utf-8", "replace")
    yield from _in_base64(content)
    yield from _in_base64(secret.encode("utf-16-le", "replace"))
    yield from _in_lines_of_base64(content)
    if len(secret) >= _SHORT:
        for digits in (content.hex(), content.hex(":")):
            yield digits
            yield digits.upper()


def common_spellings(secret: str) -> tuple[str, ...]:
    """Return those spellings that Python itself writes: as it is, in a URL, in JSON, in HTML and in a repr."""
    if _PLAIN.fullmatch(secret):
        return (secret,) if secret else ()
    texts = (
        secret,
        quote(secret, safe="", errors="replace"),
        quote_plus(secret, errors="replace"),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        html.escape(secret),
        repr(secret)[1:-1],
    )
    return tuple(dict.fromkeys(texts))


def hide(text: str, written: Iterable[str]) -> str:
    """
    Return text with ``***`` instead of each of some spellings.

    :param text: Any text.
    :param written: The spellings, the longest first, so that no part of one stays where another is a part of it.
    """
    for spelling in written:
        if len(spelling) >= _SHORT:
            text = text.replace(spelling, MASK)
        elif spelling in text:
            text = re.sub(rf"(?<![^\W_]){re.escape(spelling)}(?![^\W_])", MASK, text)
    return text


def _in_urls(secret: str) -> Iterator[str]:
    encoded = [quote(secret, safe=safe, errors="replace") for safe in ("", *_URL_ENCODERS)]
    forms = [quote_plus(secret, safe=safe, errors="replace") for safe in ("", *_FORM_ENCODERS)]
    for text in (*encoded, *forms, forms[1].replace("~", "%7E")):
        yield text
        yield re.sub("%..", lambda found: found[0].lower(), text)
    yield quote(encoded[0], safe="")  # a URL within a URL
    yield quote(encoded[1])
    if not secret.isascii():
        yield quote(secret, safe="", encoding="cp1252", errors="replace")  # before UTF-8
        yield "".join(_escaped_by_javascript(character) for character in secret)


def _in_json(secret: str) -> Iterator[str]:
    for signs, ascii_only, solidus in _JSON_ENCODERS:
        for escape in (_escaped, _escaped_in_capitals):
            yield "".join(
                escape(character)
                if character in signs or (ascii_only and character > "~")
                else ("\\/" if solidus and character == "/" else json.dumps(character, ensure_ascii=False)[1:-1])
                for character in secret
            )
    for ascii_only in (True, False):  # JSON within JSON
        yield json.dumps(json.dumps(secret, ensure_ascii=ascii_only), ensure_ascii=False)[3:-3]


def _in_html(secret: str) -> Iterator[str]:
    names = {
        character: f"&{codepoint2name[ord(character)]};" for character in secret if ord(character) in codepoint2name
    }
    outside = {character: names.get(character, f"&#{ord(character)};") for character in secret if character > "~"}
    numbered = {character: f"&#{ord(character)};" for character in outside}
    latin = {character: written for character, written in numbered.items() if "\xa0" <= character <= "\xff"}
    for encoder in _HTML_ENCODERS:
        yield _translated(secret, encoder)
    yield _translated(secret, {**_QUOTED, "'": "&#039;", **outside})
    yield _translated(secret, {**_QUOTED, "'": "&#39;", **outside})
    yield _translated(secret, {**_QUOTED, "'": "&#39;", **numbered})
    yield _translated(secret, {**_QUOTED, "'": "&#39;", **latin})  # .NET
    yield _translated(secret, {**{sign: f"&{name};" for sign, name in _NAMES.items()}, **names})


def _in_two_ways(secret: str) -> Iterator[str]:
    """Yield what one encoder makes of another's text: JSON on a page, in a URL, in base64; a page within a page."""
    for text in (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]):
        yield html.escape(text)
        yield quote(text, safe="")
        yield quote(text)
        if text != secret:
            yield from _in_base64(text.encode("utf-8", "replace"))
    yield html.escape(html.escape(secret))
    twice = quote(quote(secret, safe="", errors="replace"), safe="")
    yield re.sub("%25(..)", lambda found: f"%25{found[1].lower()}", twice)


def _as_bytes(secret: str) -> Iterator[str]:
    """Yield what stands where bytes are shown, or read in another character set, and where quotes are doubled."""
    content = secret.encode("utf-8", "replace")
    yield repr(content)[2:-1]
    yield ascii(secret)[1:-1]
    yield re.sub(
        r"\\x[0-9a-f]{2}|\\u[0-9a-f]{4}", lambda found: found[0][:2] + found[0][2:].upper(), ascii(secret)[1:-1]
    )  # PyYAML
    yield content.decode("latin-1")
    yield content.decode("cp1252", "replace")
    yield secret.encode("cp1252", "replace").decode("utf-8", "replace")
    for quotation in "\"'":  # CSV, SQL
        yield secret.replace(quotation, quotation * 2)
    yield _QUOTE.sub(r"\\\g<0>", secret)  # MySQL, Rust, PHP's addslashes
    for quoted in ("'\\''", "'\"'\"'"):  # shells
        yield secret.replace("'", quoted)


def _by_sign(secret: str) -> Iterator[str]:
    """Yield what is written by those that spare letters and digits only."""
    writers: tuple[Callable[[str], str], ...] = (
        lambda sign: f"&#{ord(sign)};",
        lambda sign: f"&#x{ord(sign):x};",
        lambda sign: f"&#x{ord(sign):X};",
        lambda sign: f"\\x{ord(sign):02x}",
        lambda sign: f"\\x{ord(sign):02X}",
        _escaped,
        _escaped_in_capitals,
    )
    for write in writers:
        yield _SIGN.sub(lambda found, write=write: write(found[0]), secret)  # type: ignore[misc]  # a default of a lambda


def _in_base64(content: bytes) -> Iterator[str]:
    """Yield what base64 makes of bytes wherever they stand in a text: what depends on nothing before and behind them."""
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + content)
        # A digit holds six bits: the first and the last can have some of a neighbour.
        core = encoded[-(-8 * before // 6) : 8 * (before + len(content)) // 6].decode("ascii")
        if len(core) >= _SHORTEST_BASE64:
            yield core
            yield core.translate({43: "-", 47: "_"})
            yield core.replace("/", "\\/")  # PHP's JSON
            yield quote(core, safe="")


def _in_lines_of_base64(content: bytes) -> Iterator[str]:
    """Yield the lines into which base64 is broken (RFC 2045, RFC 7468), whatever stands between them."""
    encoded = base64.b64encode(content).decode("ascii")
    for width in _LINES_OF_BASE64 if len(encoded) > min(_LINES_OF_BASE64) else ():
        lines = [encoded[at : at + width].rstrip("=") for at in range(0, len(encoded), width)]
        yield from (line for line in lines if len(line) >= _SHORTEST_LINE)


def _translated(text: str, written: Mapping[str, str]) -> str:
    return "".join(written.get(character, character) for character in text)


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


def _escaped_by_javascript(character: str) -> str:
    if character > "\xff":
        return _escaped_in_capitals(character).replace("\\u", "%u")
    return quote(character, safe="@*_+-./", encoding="latin-1")


def _escaped_in_capitals(character: str) -> str:
    return _escaped(character).upper().replace("\\U", "\\u")
