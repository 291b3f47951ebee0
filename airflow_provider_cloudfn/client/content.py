"""What the bytes of an answer or of a request mean, by their Content-Type."""

from __future__ import annotations

import codecs
import json
from typing import Any

from airflow_provider_cloudfn.auth.media_type import FORM_TYPE, is_json, is_xml, media_type_of
from airflow_provider_cloudfn.client.charset import (
    bom_charset,
    charset_of,
    codec_of,
    declared_charset,
    is_media_type,
)
from airflow_provider_cloudfn.json_encoding import TooManyValuesError, parse_foreign_json

__all__ = ["any_text", "read_content"]

_OLD_JSON = frozenset({"application/x-json", "text/json", "text/x-json"})
_AWS_JSON = "application/x-amz-json-"  # and a version
_TEXT_TYPES = frozenset(
    {
        "application/csv", "application/graphql", "application/javascript", "application/jsonl", "application/jwt",
        "application/ndjson", "application/sql", "application/toml", "application/x-jsonlines",
        "application/x-ndjson", FORM_TYPE, "application/x-yaml", "application/yaml",
    }
)  # fmt: skip
_SINGLE_BYTES = frozenset({"iso8859-1", "iso8859-15", "cp1252"})


def read_content(content: bytes, content_type: str) -> Any:
    """
    Return a JSON value, text, bytes, or None where there is nothing, by what Content-Type says.

    :param content: The bytes, decompressed.
    :param content_type: The header's value, of which there is one.
    :raises ValueError: for what is not what it says it is; the message never has a part of it.
    :raises TooManyValuesError: for JSON of too many values.
    """
    if not content:
        return None
    media_type = media_type_of(content_type)
    if _is_json(media_type):
        if not content.removeprefix(codecs.BOM_UTF8).strip():
            return None
        return _json(content, charset_of(content_type))
    if (
        is_xml(media_type)
        or media_type.startswith("text/")
        or media_type.endswith("+yaml")
        or media_type in _TEXT_TYPES
    ):
        return _text(content, declared_charset(content_type, content) or "utf-8")
    if not is_media_type(media_type):
        try:
            return _json(content, None)
        except ValueError:
            return content
    return content


def any_text(content: bytes, content_type: str) -> str:
    """
    Return bytes as text, whatever they are: in the character set that they name, else UTF-8; U+FFFD for what is none.

    :param content_type: As of :func:`read_content`.
    """
    own = json.detect_encoding(content) if _is_json(media_type_of(content_type)) else None
    for charset in (bom_charset(content), declared_charset(content_type, content), own):
        try:
            return codec_of(charset or "").decode(content, "replace")[0]
        except ValueError:
            continue
    return content.decode("utf-8", "replace")


def _is_json(media_type: str) -> bool:
    """Return whether an answer is JSON, under an old name of it or that of AWS' services too."""
    return is_json(media_type) or media_type in _OLD_JSON or media_type.startswith(_AWS_JSON)


def _json(content: bytes, charset: str | None) -> Any:
    # RFC 8259 knows UTF-8 only, and no parameter charset: one that is named is believed where the answer is JSON in it. What is
    # UTF-8 is so by no chance, where a set of single bytes is named, in which anything can be read, if wrongly.
    try:
        if charset is not None and not (codec_of(charset).name in _SINGLE_BYTES and _is_utf8(content)):
            return _parsed(_text(content, charset))
    except ValueError:
        pass
    return _parsed(_text(content, _encoding_of_json(content)))


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _encoding_of_json(content: bytes) -> str:
    # What nearly all JSON begins with says it at once.
    return "utf-8" if content[:1] in (b"{", b"[") and content[1:2] != b"\0" else json.detect_encoding(content)


def _parsed(text: str) -> Any:
    try:
        return parse_foreign_json(text)
    except TooManyValuesError:
        raise
    except ValueError as error:
        raise ValueError(f"it promises JSON, and {error}") from None


def _text(content: bytes, charset: str) -> str:
    codec = codec_of(bom_charset(content) or charset)
    try:
        return codec.decode(content, "strict")[0]
    except UnicodeError:
        raise ValueError(f"its bytes are not {codec.name}") from None
