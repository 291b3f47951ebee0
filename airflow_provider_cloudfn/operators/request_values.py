"""The body in the form in which the client takes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.client.secret import Secret
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_cloudfn.hooks.request import RequestParts

__all__ = ["content_of"]


def content_of(body: Any, headers: Mapping[str, Any], *, is_given: bool) -> RequestParts:
    """
    Return the body as the client takes it: by its type, or else by what Content-Type says.

    :param body: The body.
    :param headers: The headers.
    :param is_given: Whether there is a body at all: one that turns out null is JSON's null.
    :raises ConfigurationError: for a body that can't be what Content-Type says.
    """
    if not is_given:
        return {}
    if isinstance(body, bytes):
        return {"data": body}
    name, declared = next(((name, text) for name, text in headers.items() if name.lower() == "content-type"), ("", ""))
    media_type = str(declared).partition(";")[0].strip().lower()
    is_text = media_type.startswith("text/") or media_type.endswith(("/xml", "+xml"))
    wanted = _WANTED.get(media_type) or ("text" if is_text else None)
    if wanted is not None and (isinstance(body, (str, Secret)) or (media_type == _FORM and isinstance(body, Mapping))):
        return {"data": body}  # type: ignore[typeddict-item]  # a secret becomes text when it is filled in
    has_text = isinstance(body, (bool, int, float)) and media_type not in _WANTED
    if wanted is not None and not has_text and media_type != _OLD_JSON:
        raise ConfigurationError(
            f'body: is {_kind(body)}, and headers["{name}"] says {media_type}: make it {wanted}, or leave Content-Type out to '
            "send it as JSON"
        )
    if body is None:
        typed = {} if name else {"Content-Type": "application/json"}
        return {"data": b"null", "headers": {**headers, **typed}}
    return {"json": body}


_FORM = "application/x-www-form-urlencoded"
#: An old name of JSON, which services still ask for.
_OLD_JSON = "text/json"
#: What a body must be that is neither JSON nor text, as a person is told.
_WANTED = {_FORM: "a map or encoded text", "multipart/form-data": "the bytes of the form, or give files="}


def _kind(body: Any) -> str:
    if body is None:
        return "null"
    return "a map" if isinstance(body, Mapping) else "a list" if isinstance(body, Sequence) else "a number"
