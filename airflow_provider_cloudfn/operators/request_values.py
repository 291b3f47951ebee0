"""What expressions gave, in the form in which it is sent and shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.client.body import Form, Json, Raw
from airflow_provider_cloudfn.client.secret import Secret, has_secrets
from airflow_provider_cloudfn.exceptions import ConfigurationError, ExpressionError
from airflow_provider_cloudfn.json_encoding import to_json_value

if TYPE_CHECKING:
    from airflow_provider_cloudfn.client.body import Body

__all__ = ["content_of", "json_body", "text_pairs", "uri_text"]


def uri_text(value: Any) -> str:
    """
    Return a URI.

    :param value: What its expression gave.
    :raises ExpressionError: when it is no text.
    """
    if value is None:
        raise ExpressionError("must give text, and gives null: what it comes from returned nothing", field="uri")
    if not isinstance(value, str):
        raise ExpressionError(f"must give text, not {type(value).__name__}", field="uri")
    return value


def text_pairs(field: str, value: Any, *, lists: bool) -> dict[str, Any]:
    """
    Return a query or headers as text by name, without the entries that are null.

    :param field: ``query`` or ``headers``.
    :param value: What their expressions gave.
    :param lists: Whether an entry may be a list.
    :raises ExpressionError: for what has no text.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ExpressionError(f"must give a map, not {type(value).__name__}", field=field)
    pairs: dict[str, Any] = {}
    for name, item in value.items():
        if not isinstance(name, str):
            raise ExpressionError(f"a name must be text, not {type(name).__name__}", field=field)
        if item is None:
            continue
        place = f'{field}["{name}"]'
        if lists and isinstance(item, Sequence) and not isinstance(item, (str, bytes, bytearray)):
            pairs[name] = [_text(f"{place}[{index}]", one) for index, one in enumerate(item) if one is not None]
        else:
            pairs[name] = _text(place, item)
    return pairs


def _text(place: str, value: Any) -> Any:
    if isinstance(value, Secret):
        return value
    try:
        return cel.to_text(value)
    except ExpressionError as error:
        raise error.in_field(place) from error


def json_body(value: Any) -> Any:
    """
    Return a body as JSON has it, its secrets still to be filled in.

    :param value: What its expressions gave.
    :raises ConfigurationError: for what JSON doesn't have.
    """
    if not has_secrets(value):
        return to_json_value(value, exact=True)
    if isinstance(value, Mapping):
        return {key: json_body(inner) for key, inner in value.items()}
    return value if isinstance(value, Secret) else [json_body(inner) for inner in value]


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
    media_type = str(declared).partition(";")[0].strip().lower()
    is_text = media_type.startswith("text/") or media_type.endswith(("/xml", "+xml"))
    wanted = _WANTED.get(media_type) or ("text" if is_text else None)
    if wanted is not None and isinstance(body, (str, Secret)):
        return Raw(body, "body")
    if media_type == _FORM and isinstance(body, Mapping):
        return Form(body, parameter="body")
    has_text = isinstance(body, (bool, int, float)) and media_type not in _WANTED
    if wanted is not None and not has_text and media_type != _OLD_JSON:
        raise ConfigurationError(
            f'body: is {_kind(body)}, and headers["{name}"] says {media_type}: make it {wanted}, or leave Content-Type out to '
            "send it as JSON"
        )
    return Json(body, "body")


_FORM = "application/x-www-form-urlencoded"
#: An old name of JSON, which services still ask for.
_OLD_JSON = "text/json"
#: What a body must be that is neither JSON nor text, as a person is told.
_WANTED = {_FORM: "a map or encoded text", "multipart/form-data": "the bytes of the form, or give files="}


def _kind(body: Any) -> str:
    if body is None:
        return "null"
    return "a map" if isinstance(body, Mapping) else "a list" if isinstance(body, Sequence) else "a number"
