"""The body in the form in which the client takes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.auth.media_type import FORM_TYPE, is_json, media_type_of
from airflow_provider_cloudfn.client.body import Form, Json, Raw
from airflow_provider_cloudfn.client.secret import Secret
from airflow_provider_cloudfn.exceptions import ConfigurationError, in_words

if TYPE_CHECKING:
    from airflow_provider_cloudfn.client.body import Body

__all__ = ["content_of"]


def content_of(body: Any, headers: Mapping[str, Any]) -> Body:
    """
    Return the body as the client takes it: by its type, or else by what Content-Type says.

    :param body: The body; one that turns out null is JSON's null.
    :raises ConfigurationError: for a body that can't be what Content-Type says.
    """
    if isinstance(body, bytes):
        return Raw(body, "body")
    name, declared = next(((name, text) for name, text in headers.items() if name.lower() == "content-type"), ("", ""))
    media_type = media_type_of(str(declared))
    wanted = _wanted(media_type)
    # Text is itself in every type but JSON's: nobody knows all types, such as those of NDJSON, YAML and SQL.
    if isinstance(body, (str, Secret)) and media_type and not is_json(media_type):
        return Raw(body, "body")
    if media_type == FORM_TYPE and isinstance(body, Mapping):
        return Form(body, parameter="body")
    if media_type in _LINES and isinstance(body, Sequence) and not isinstance(body, (str, bytes)):
        raise ConfigurationError(
            f'body: is a list, and headers["{name}"] says {media_type}: make it text with a line for each, such as '
            'inputs.rows.map(row, json.encode(row) + "\\n").join("")'
        )
    has_text = isinstance(body, (bool, int, float)) and wanted in ("text", "bytes")
    if wanted is not None and not has_text:
        raise ConfigurationError(
            f'body: is {in_words(body)}, and headers["{name}"] says {media_type}: make it {wanted}, or leave Content-Type out to '
            "send it as JSON"
        )
    return Json(body, "body")


#: An old name of JSON, which services still ask for.
_OLD_JSON = "text/json"
#: JSON, one value on each line: a list of them is none.
_LINES = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"})
#: What is text, and doesn't begin with ``text/``; of YAML all JSON is a part.
_TEXTS = frozenset({"application/csv", "application/graphql", "application/jose", "application/jwt", "application/sql"})
_BYTES = frozenset(
    {
        "application/cbor", "application/gzip", "application/msgpack", "application/octet-stream", "application/pdf",
        "application/protobuf", "application/vnd.apache.parquet", "application/vnd.google.protobuf", "application/vnd.msgpack",
        "application/x-gzip", "application/x-msgpack", "application/x-protobuf", "application/zip",
    }
)  # fmt: skip


def _wanted(media_type: str) -> str | None:
    """Return what a body must be that is not sent as JSON, as a person is told; None where it may be."""
    if media_type == FORM_TYPE:
        return "a map or encoded text"
    if media_type.startswith("multipart/"):
        return "the bytes of the form, or give files="
    if media_type in _BYTES or media_type.startswith(("image/", "audio/", "video/", "font/")):
        return "bytes"
    if media_type == _OLD_JSON:
        return None
    is_text = media_type in _TEXTS or media_type.startswith("text/") or media_type.endswith(("/xml", "+xml"))
    return "text" if is_text else None
