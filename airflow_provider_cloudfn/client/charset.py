"""The character set of a body: what a Content-Type names, what an XML document says of itself, and the codecs for both."""

from __future__ import annotations

import codecs
import re

__all__ = ["charset_of", "codec_of", "xml_charset"]

#: The declaration that an XML document can begin with, in any character set that has ASCII's characters in its places.
_XML_DECLARATION = re.compile(rb"""<\?xml\s[^>]{0,200}?encoding\s*=\s*["']([A-Za-z][\w.-]{0,40})["']""")


def charset_of(content_type: str | None) -> str | None:
    """
    Return the character set that a Content-Type names, or None.

    :param content_type: The header's value.
    """
    if not content_type or "charset" not in content_type.lower():
        return None
    from email.message import Message

    header = Message()
    header["Content-Type"] = content_type
    charset = header.get_param("charset")
    return charset if isinstance(charset, str) and charset else None


def xml_charset(content: bytes) -> str:
    """
    Return the character set of an XML document whose Content-Type names none (RFC 7303, section 3; XML 1.0, appendix F).

    :param content: The document.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    declared = None if content.startswith(codecs.BOM_UTF8) else _XML_DECLARATION.match(content)
    return declared[1].decode("ascii") if declared else "utf-8"


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
    if codec is None or not codec._is_text_encoding:
        raise ValueError(f"there is no character set {charset[:40]!r}")
    return codec
