"""What a Content-Type says, the character set that an XML document or a page says of itself, and the codecs for both."""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

from airflow_provider_cloudfn.auth.media_type import is_xml, media_type_of

__all__ = [
    "bom_charset",
    "charset_of",
    "charset_to_send",
    "codec_of",
    "declared_charset",
    "is_media_type",
    "last_content_type",
]

#: One value of a header that came more than once; a comma within quotes parts none.
_ONE_VALUE = re.compile(r"""(?:[^",]|"(?:[^"\\]|\\.)*"?)+""")
_MEDIA_TYPE = re.compile(r"\s*([\w!#$&^.+-]+/[\w!#$&^.+-]+)\s*(?:;|$)", re.ASCII)

_LONGEST = 1024

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip

_FIRST_OF_MARKS = tuple({mark[:1] for mark, _ in _MARKS})

#: What Python takes for text besides, and is the notation of something else. For some of it, it takes a time that grows with the
#: square of the length.
_NO_CHARACTER_SETS = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"})

#: The declaration that an XML document can begin with, in any character set that has ASCII's characters in its places.
_XML_DECLARATION = re.compile(rb"""<\?xml\s[^>]{0,200}?encoding\s*=\s*["']([A-Za-z][\w.-]{0,40})["']""")

#: Where a page says its character set, within its first 1024 bytes (HTML, "prescan a byte stream").
_HTML_META = re.compile(rb"""<meta\s[^>]{0,200}?charset\s*=\s*["']?([A-Za-z][\w.:-]{0,40})""", re.IGNORECASE)


def last_content_type(content_type: str) -> str:
    """
    Return the Content-Type that counts of one that came more than once: the last that is a media type.

    One that only repeats the media type leaves the character set that was named before (WHATWG MIME Sniffing, "extract a
    MIME type").

    :param content_type: The header's values, joined by commas; a single one is returned as it is.
    """
    if "," not in content_type or len(content_type) > _LONGEST:
        return content_type
    counts, known = content_type, None
    for value in _ONE_VALUE.findall(content_type):
        if found := _MEDIA_TYPE.match(value):
            media_type = found[1].lower()
            if media_type != known or charset_of(value):
                counts, known = value.strip(), media_type
    return counts


def is_media_type(text: str) -> bool:
    """
    Return whether a text is a media type; what is none says nothing, such as one with its semicolon left out.

    :param text: What stands in a Content-Type before its parameters.
    """
    return _MEDIA_TYPE.fullmatch(text) is not None


def charset_of(content_type: str | None) -> str | None:
    """
    Return the character set that a Content-Type names, or None.

    :param content_type: The header's value.
    """
    if not content_type or "charset" not in content_type.lower():
        return None
    from email.message import Message

    # The library takes time that grows with the square of the length: what is longer names nothing.
    if len(content_type) > _LONGEST:
        return None
    header = Message()
    header["Content-Type"] = content_type
    charset = header.get_param("charset")
    return charset if isinstance(charset, str) and charset else None


def _xml_charset(content: bytes) -> str:
    """Return the character set of an XML document whose Content-Type names none (RFC 7303, section 3; XML 1.0, appendix F)."""
    declared = _xml_declaration(content)
    # What could be read up to here has a byte for each letter, so that it is none of those: .NET writes such.
    return "utf-8" if declared.lower().startswith(("utf-16", "utf-32", "ucs-", "unicode")) else declared


def _xml_declaration(content: bytes) -> str:
    found = _XML_DECLARATION.match(content)
    return found[1].decode("ascii") if found else "utf-8"


def _html_charset(content: bytes) -> str:
    """Return the character set of a page whose Content-Type names none: what a ``meta`` names, unless it is UTF-8."""
    found = _HTML_META.search(content, 0, _LONGEST)
    if found is None:
        return "utf-8"
    try:
        content.decode()
    except UnicodeDecodeError:
        return found[1].decode("ascii")
    return "utf-8"


def declared_charset(content_type: str | None, content: bytes) -> str | None:
    """
    Return the character set of a text: what its Content-Type names, or an XML document or a page itself; None where none is.

    :param content_type: The header's value.
    :param content: The text, or its beginning; of one that is not encoded so far, what is ASCII of it.
    """
    if (charset := charset_of(content_type)) is not None:
        return charset
    media_type = media_type_of(content_type or "")
    if is_xml(media_type):
        return _xml_charset(content)
    return _html_charset(content) if media_type == "text/html" else None


def charset_to_send(content_type: str | None, beginning: bytes) -> str | None:
    """
    Return the character set in which a text goes out: that of :func:`declared_charset`; UTF-16 where an XML document says so.

    :param content_type: The header's value.
    :param beginning: What is ASCII of the text's beginning.
    """
    if charset_of(content_type) is None and is_xml(media_type_of(content_type or "")):
        return _xml_declaration(beginning)
    return declared_charset(content_type, beginning)


def bom_charset(content: bytes) -> str | None:
    """
    Return the character set that a byte order mark says, or None; its codec takes the mark off.

    It is sooner right than what stands beside the text (WHATWG Encoding, "decode").

    :param content: The beginning of a text.
    """
    if not content.startswith(_FIRST_OF_MARKS):
        return None
    return next((charset for mark, charset in _MARKS if content.startswith(mark)), None)


@lru_cache(maxsize=64)
def codec_of(charset: str) -> codecs.CodecInfo:
    """
    Return what encodes and decodes a character set.

    :param charset: Its name.
    :raises ValueError: when there is none of that name.
    """
    try:
        codec = codecs.lookup(charset)
    except (LookupError, ValueError):
        codec = None
    # Python has codecs that are no character sets, such as base64 and zlib.
    if codec is None or not codec._is_text_encoding or codec.name in _NO_CHARACTER_SETS:
        raise ValueError(f"there is no character set {charset[:40]!r}")
    return codec
