"""The bytes of a body, and what they are: JSON, text, bytes, a form, or a form with files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias
from urllib.parse import urlencode

from airflow_provider_cloudfn.auth.media_type import FORM_TYPE
from airflow_provider_cloudfn.auth.redacted import Redacted
from airflow_provider_cloudfn.client.charset import codec_of
from airflow_provider_cloudfn.client.query import query_pairs
from airflow_provider_cloudfn.exceptions import ConfigurationError, in_words
from airflow_provider_cloudfn.json_encoding import encode_json

if TYPE_CHECKING:
    from airflow_provider_cloudfn.client.query import ListStyle

__all__ = ["Body", "FilePart", "Form", "Json", "Raw", "make_body"]


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


class Json(Redacted, frozen=True):
    """
    A value that is sent as JSON.

    :param value: The value; None is JSON's null.
    :param parameter: What whoever gave it calls it, for errors.
    """

    _hidden: ClassVar = frozenset({"value"})

    value: Any
    parameter: str = "json"


class Raw(Redacted, frozen=True):
    """
    Bytes or text that are sent as they are.

    :param value: The bytes, or the text.
    :param parameter: As of :class:`Json`.
    """

    _hidden: ClassVar = frozenset({"value"})

    value: Any
    parameter: str = "data"


class Form(Redacted, frozen=True):
    """
    Names and values that are sent as a form, with files perhaps (RFC 7578).

    :param value: Names and values; a list is written as the request's list style says, None leaves a value out.
    :param files: Files by the name of the form's field.
    :param parameter: As of :class:`Json`.
    """

    _hidden: ClassVar = frozenset({"value"})

    value: Mapping[str, Any] | None
    files: Mapping[str, FilePart | Sequence[FilePart]] | None = None
    parameter: str = "data"


Body: TypeAlias = Json | Raw | Form


def make_body(body: Body | None, list_style: ListStyle, charset: str | None = None) -> tuple[bytes, str | None]:
    """
    Return the bytes of a body and their media type; None where there is no body.

    :param list_style: How a form's lists are written.
    :param charset: What text is encoded in, where the request says so; default UTF-8.
    :raises ConfigurationError: for what can't be a body.
    """
    if body is None:
        return b"", None
    value = body.value
    if isinstance(body, Json):
        return _encoded(body.parameter, encode_json(value), charset), "application/json"
    if isinstance(body, Form):
        if value is not None and not isinstance(value, Mapping):
            raise ConfigurationError(f"{body.parameter}: must be a map beside files: the other fields of the form")
        pairs = list(query_pairs(value, list_style, parameter=body.parameter))
        if body.files is not None and not isinstance(body.files, Mapping):
            raise ConfigurationError(
                'files: must be a map of names and files, such as {"invoice": FilePart("a.csv", content)}, '
                f"not {in_words(body.files)}"
            )
        if body.files:
            return _multipart(pairs, body.files)
        place = body.parameter
        encoded = [(_encoded(place, name, charset), _encoded(place, text, charset)) for name, text in pairs]
        return urlencode(encoded).encode("ascii"), FORM_TYPE
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value), "application/octet-stream"
    if isinstance(value, str):
        return _encoded(body.parameter, value, charset), "text/plain; charset=utf-8"
    raise ConfigurationError(f"{body.parameter}: must be bytes, text or a map to send as a form, not {in_words(value)}")


def _encoded(parameter: str, text: str, charset: str | None) -> bytes:
    try:
        return codec_of(charset or "utf-8").encode(text)[0]
    except UnicodeEncodeError as error:
        # The error itself holds the whole text.
        problem = f"character {error.start + 1} is none of {charset or 'utf-8'}"
    except ValueError as error:
        problem = str(error)
    named = "" if charset is None else ", which Content-Type or the document names; name utf-8 there"
    raise ConfigurationError(f"{parameter}: {problem}{named}")


def _multipart(fields: list[tuple[str, str]], files: Mapping[str, FilePart | Sequence[FilePart]]) -> tuple[bytes, str]:
    from urllib3.filepost import encode_multipart_formdata

    parts: list[tuple[str, str | tuple[str, bytes, str]]] = [*fields]
    for name, given in files.items():
        if not isinstance(name, str):
            raise ConfigurationError(f'files["{name}"]: a name must be text, not {in_words(name)}')
        for part in given if isinstance(given, (list, tuple)) else (given,):
            if not isinstance(part, FilePart):
                raise ConfigurationError(
                    f'files["{name}"]: must be a FilePart, not {type(part).__name__}: write such as '
                    f'FilePart("a.csv", content), of {__name__}'
                )
            for what, text in (("name", part.filename), ("media type", part.media_type)):
                if not isinstance(text, str):
                    raise ConfigurationError(f'files["{name}"]: its {what} must be text, not {in_words(text)}')
            if not isinstance(part.content, (bytes, str)):
                raise ConfigurationError(
                    f'files["{name}"]: the content must be bytes, not {type(part.content).__name__}'
                )
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
