"""The key by which a service knows that it has had a request before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_cloudfn.authoring.request_checks import IDEMPOTENCY_KEY, KEY_IS_SET
from airflow_provider_cloudfn.authoring.value_checks import key_problem
from airflow_provider_cloudfn.exceptions import ConfigurationError, in_words
from airflow_provider_cloudfn.operators.key_text import key_text

__all__ = ["place_of", "with_idempotency_key"]

#: What Amazon Connect calls it, in the body.
_CLIENT_TOKEN = "ClientToken"  # noqa: S105 - the name of a member, not a token


def place_of(value: Any) -> str:
    """
    Return what stands for the map index in the key: what the author's own expression gave.

    :raises ExpressionError: for one that names nothing, and so would make different requests the same one.
    """
    return key_text(
        value,
        field="idempotency_key",
        cost="by which no request can be told from another",
        remedy="name what the request is about, such as inputs.id",
    )


def with_idempotency_key(
    wanted: Any, key: str, *, headers: Mapping[str, Any], body: Any, conn_type: str
) -> tuple[dict[str, Any], Any]:
    """
    Return the headers and the body with the key.

    :param wanted: False for none; True for the usual place; or the header's name.
    :param conn_type: The connection's type: ``amazon_connect`` takes the key in the body.
    :raises ConfigurationError: where the key has no place, or its place is taken.
    """
    if wanted is False:
        return dict(headers), body
    if (problem := key_problem(wanted)) is not None:
        raise ConfigurationError(f"idempotency_key: {problem}")
    if conn_type == "amazon_connect":
        return dict(headers), _with_client_token(wanted, key, body)
    name = IDEMPOTENCY_KEY if wanted is True else wanted
    for other in headers:
        if other.lower() == name.lower():
            raise ConfigurationError(f'headers["{other}"]: {KEY_IS_SET}')
    return {**headers, name: key}, body


def _with_client_token(wanted: Any, key: str, body: Any) -> Any:
    if isinstance(wanted, str):
        raise ConfigurationError(
            f"idempotency_key: Amazon Connect takes the key as {_CLIENT_TOKEN} in the body: write True, not {wanted!r}"
        )
    if body is None:
        body = {}
    if not isinstance(body, Mapping):
        raise ConfigurationError(
            f"idempotency_key: {_CLIENT_TOKEN} goes into a body that is a map, and this one is {in_words(body)}"
        )
    return {**body, _CLIENT_TOKEN: body.get(_CLIENT_TOKEN) or key}
