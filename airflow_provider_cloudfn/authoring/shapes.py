"""What a parameter's rendered value becomes: the form in which it is sent and shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.client.secret import Secret, has_secrets
from airflow_provider_cloudfn.exceptions import ConfigurationError, ExpressionError, in_words
from airflow_provider_cloudfn.json_encoding import to_json_value

__all__ = ["exact_json", "header_text", "json_or_text", "query_text", "text_or_null", "uri_text"]


def uri_text(name: str, value: Any) -> str:
    """
    Return a URI.

    :returns: The value, which is text.
    :raises ExpressionError: when it is no text.
    """
    if value is None:
        raise ExpressionError("must give text, and gives null: what it comes from returned nothing", field=name)
    if not isinstance(value, str):
        raise ExpressionError(f"must give text, not {in_words(value)}", field=name)
    return value


def query_text(name: str, value: Any) -> dict[str, Any]:
    """
    Return a query: text, or a list of texts, by name, without the entries that are null.

    :raises ExpressionError: for what has no text.
    """
    return _text_pairs(name, value, lists=True)


def header_text(name: str, value: Any) -> dict[str, Any]:
    """
    Return headers: text by name, without the entries that are null.

    :raises ExpressionError: for what has no text.
    """
    return _text_pairs(name, value, lists=False)


def json_or_text(name: str, value: Any) -> Any:
    """
    Return a body: text and bytes as they are, anything else as JSON has it, its secrets still to be filled in.

    :raises ExpressionError: for what JSON doesn't have.
    """
    if isinstance(value, (bytes, str)) or value is None:
        return value
    try:
        return _json(value)
    except ConfigurationError as error:
        raise ExpressionError(str(error), field=name) from error


def exact_json(name: str, value: Any) -> Any:
    """
    Return a value as JSON has it, integers with all their digits.

    :raises ExpressionError: for what JSON doesn't have.
    """
    try:
        return None if value is None else to_json_value(value, exact=True)
    except ConfigurationError as error:
        raise ExpressionError(str(error), field=name) from error


def text_or_null(name: str, value: Any) -> str | None:
    """
    Return a value as text, null as it is.

    :raises ExpressionError: for what has no text.
    """
    return None if value is None else _text(name, value)


def _text_pairs(field: str, value: Any, *, lists: bool) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ExpressionError(f"must give a map, not {in_words(value)}", field=field)
    pairs: dict[str, Any] = {}
    for name, item in value.items():
        if not isinstance(name, str):
            raise ExpressionError(f"a name must be text, not {in_words(name)}", field=field)
        if item is None:
            continue
        place = f'{field}["{name}"]'
        if lists and isinstance(item, Sequence) and not isinstance(item, (str, bytes, bytearray)):
            pairs[name] = [
                _text_or_secret(f"{place}[{index}]", one) for index, one in enumerate(item) if one is not None
            ]
        else:
            pairs[name] = _text_or_secret(place, item)
    return pairs


def _text_or_secret(place: str, value: Any) -> Any:
    return value if isinstance(value, Secret) else _text(place, value)


def _text(place: str, value: Any) -> str:
    try:
        return cel.to_text(value)
    except ExpressionError as error:
        raise error.in_field(place) from error


def _json(value: Any) -> Any:
    if not has_secrets(value):
        return to_json_value(value, exact=True)
    if isinstance(value, Mapping):
        return {key: _json(inner) for key, inner in value.items()}
    return value if isinstance(value, Secret) else [_json(inner) for inner in value]
