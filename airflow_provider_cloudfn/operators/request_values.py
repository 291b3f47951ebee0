"""What expressions gave, in the form in which it is sent and shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.client.secret import Secret, has_secrets
from airflow_provider_cloudfn.exceptions import ExpressionError
from airflow_provider_cloudfn.json_encoding import to_json_value

if TYPE_CHECKING:
    from airflow_provider_cloudfn.hooks.request import RequestParts

__all__ = ["content_of", "json_body", "text_pairs", "uri_text"]


def uri_text(value: Any) -> str:
    """
    Return a URI.

    :param value: What its expression gave.
    :raises ExpressionError: when it is no text.
    """
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


def content_of(body: Any, headers: Mapping[str, Any]) -> RequestParts:
    """
    Return the body as the client takes it: by its type, or else by what Content-Type says.

    :param body: The body.
    :param headers: The headers.
    """
    if body is None:
        return {}
    if isinstance(body, bytes):
        return {"data": body}
    declared = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    media_type = str(declared).partition(";")[0].strip().lower()
    if media_type == "application/x-www-form-urlencoded" and isinstance(body, Mapping):
        return {"data": body}
    is_text = media_type.startswith("text/") or media_type.endswith(("/xml", "+xml"))
    if isinstance(body, str) and (is_text or media_type == "application/x-www-form-urlencoded"):
        return {"data": body}
    return {"json": body}
