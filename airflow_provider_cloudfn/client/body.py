"""The bytes of a body, and what they are: JSON, text, bytes, a form, or a form with files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Final
from urllib.parse import urlencode

from airflow_provider_cloudfn.auth.redacted import Redacted
from airflow_provider_cloudfn.client.charset import codec_of
from airflow_provider_cloudfn.client.query import query_pairs
from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.json_encoding import encode_json

if TYPE_CHECKING:
    from airflow_provider_cloudfn.client.query import ListStyle

__all__ = ["ABSENT", "FilePart", "make_body"]

#: Stands for no body, because None is a body: JSON's null.
ABSENT: Final = object()


class FilePart(Redacted, frozen=True):
    """
    A file of a form (RFC 7578).

    :param filename: What the service is told that it is called.
    :param content: Its bytes.
    :param media_type: What it is.
    """

    _hidden: ClassVar = frozenset({"content"})

    filename: str
    content: bytes
    media_type: str = "application/octet-stream"


def make_body(
    json: object,
    data: object,
    files: Mapping[str, FilePart | Sequence[FilePart]] | None,
    list_style: ListStyle,
    charset: str | None = None,
) -> tuple[bytes, str | None]:
    """
    Return the bytes of a body and their media type; None where there is no body.

    :param json: A value to send as JSON, or :data:`ABSENT`.
    :param data: Bytes or text to send as they are, a map to send as a form, or None.
    :param files: Files of a form, whose other fields `data` holds.
    :param list_style: How a form's lists are written.
    :param charset: What text is encoded in, where the request says so; default UTF-8.
    :raises ConfigurationError: for what can't be a body.
    """
    if json is not ABSENT and (data is not None or files):
        raise ConfigurationError("json and data: give one of them, they are two ways to give the body")
    if json is not ABSENT:
        return _encoded("json", encode_json(json), charset), "application/json"
    if files:
        if data is not None and not isinstance(data, Mapping):
            raise ConfigurationError("data: must be a map beside files: the other fields of the form")
        return _multipart(list(query_pairs(data, list_style, parameter="data")), files)
    if data is None:
        return b"", None
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(data), "application/octet-stream"
    if isinstance(data, str):
        return _encoded("data", data, charset), "text/plain; charset=utf-8"
    if isinstance(data, Mapping):
        form = urlencode(list(query_pairs(data, list_style, parameter="data"))).encode("ascii")
        return form, "application/x-www-form-urlencoded"
    raise ConfigurationError(f"data: must be bytes, text or a map to send as a form, not {type(data).__name__}")


def _encoded(parameter: str, text: str, charset: str | None) -> bytes:
    if charset is None:
        return text.encode()
    problem = None
    try:
        return codec_of(charset).encode(text)[0]
    except UnicodeEncodeError as error:
        # The error itself holds the whole text.
        problem = f"character {error.start + 1} is none of {charset}, which Content-Type names"
    except ValueError as error:
        problem = f"{error}, which Content-Type names"
    raise ConfigurationError(f"{parameter}: {problem}; name utf-8 there")


def _multipart(fields: list[tuple[str, str]], files: Mapping[str, FilePart | Sequence[FilePart]]) -> tuple[bytes, str]:
    from urllib3.filepost import encode_multipart_formdata

    parts: list[tuple[str, str | tuple[str, bytes, str]]] = [*fields]
    for name, given in files.items():
        for part in (given,) if isinstance(given, FilePart) else given:
            if not isinstance(part, FilePart):
                raise ConfigurationError(f'files["{name}"]: must be a FilePart, not {type(part).__name__}')
            if any(mark in text for mark in "\r\n\0" for text in (part.filename, part.media_type)):
                raise ConfigurationError(f'files["{name}"]: its name or media type has a line break: leave it out')
            parts.append((name, (part.filename, part.content, part.media_type)))
    # The same parts make the same bytes, so that a repeated request is the same one; no part can know its own digest.
    digest = hashlib.sha256()
    for field_name, value in parts:
        digest.update(field_name.encode())
        digest.update(value.encode() if isinstance(value, str) else value[1])
    body, media_type = encode_multipart_formdata(parts, boundary=digest.hexdigest()[:32])
    return body, media_type
