"""The key by which a service knows that it has had a request before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_cloudfn.events.record import TaskInstanceKey

__all__ = ["with_idempotency_key"]

#: The draft of the IETF's httpapi working group, and what most services call it.
_HEADER = "Idempotency-Key"
#: What Amazon Connect calls it, in the body.
_CLIENT_TOKEN = "ClientToken"  # noqa: S105 - the name of a member, not a token


def with_idempotency_key(
    wanted: Any, instance: TaskInstanceKey, *, headers: Mapping[str, Any], body: Any, conn_type: str
) -> tuple[dict[str, Any], Any]:
    """
    Return the headers and the body with the key.

    :param wanted: False for none; True for the usual place; or the header's name.
    :param instance: The task instance; the key is the same on its every try.
    :param headers: The headers.
    :param body: The body.
    :param conn_type: The connection's type: ``amazon_connect`` takes the key in the body.
    :raises ConfigurationError: where the key has no place, or its place is taken.
    """
    if wanted is False:
        return dict(headers), body
    key = instance.stable_id("idempotency_key")
    if conn_type == "amazon_connect":
        return dict(headers), _with_client_token(wanted, key, body)
    name = _HEADER if wanted is True else wanted
    if not isinstance(name, str) or not name:
        raise ConfigurationError(f"idempotency_key: must be True, False or a header's name, not {wanted!r}")
    for other in headers:
        if other.lower() == name.lower():
            raise ConfigurationError(f'headers["{other}"]: idempotency_key sets this header: leave one of them out')
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
            f"idempotency_key: {_CLIENT_TOKEN} goes into a body that is a map, and this one is {type(body).__name__}"
        )
    return {**body, _CLIENT_TOKEN: body.get(_CLIENT_TOKEN) or key}
