"""The body in the form in which the client takes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.auth.media_type import FORM_TYPE, is_json, media_type_of
from airflow_provider_cloudfn.client.body import Form, Json, Raw
from airflow_provider_cloudfn.client.secret import Secret
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_cloudfn.client.body import Body

__all__ = ["content_of"]


def content_of(body: Any, headers: Mapping[str, Any]) -> Body:
    """
    Return the body as the client takes it: by its type, or else by what Content-Type says.

    :param body: The body; one that turns out null is JSON's null.
    :param headers: The headers.
    :raises ConfigurationError: for a body that can't be what Content-Type says.
    """
    if isinstance(body, bytes):
        return Raw(body, "body")
    name, declared = next(((name, text) for name, text in headers.items() if name.lower() == "content-type"), ("", ""))
    media_type = media_type_of(str(declared))
    is_text = media_type.startswith("text/") or media_type.endswith(("/xml", "+xml"))
    wanted = _WANTED.get(media_type) or ("text" if is_text else None)
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
    has_text = isinstance(body, (bool, int, float)) and media_type not in _WANTED
    if wanted is not None and not has_text and media_type != _OLD_JSON:
        raise ConfigurationError(
            f'body: is {_kind(body)}, and headers["{name}"] says {media_type}: make it {wanted}, or leave Content-Type out to '
            "send it as JSON"
        )
    return Json(body, "body")


#: An old name of JSON, which services still ask for.
_OLD_JSON = "text/json"
#: JSON, one value on each line: a list of them is none.
_LINES = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"})
#: What a body must be that is neither JSON nor text, as a person is told.
_WANTED = {FORM_TYPE: "a map or encoded text", "multipart/form-data": "the bytes of the form, or give files="}


def _kind(body: Any) -> str:
    if body is None:
        return "null"
    return "a map" if isinstance(body, Mapping) else "a list" if isinstance(body, Sequence) else "a number"
