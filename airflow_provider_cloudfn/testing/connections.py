"""The connection of a rehearsal: the real one, one that a test gives, or a stand-in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.exceptions import ConfigurationError, in_words

if TYPE_CHECKING:
    from airflow_provider_cloudfn.hooks.base import ConnectionHook

__all__ = ["accepted", "connection_id", "hook_over", "placeholder_fields"]

_FIELDS = ("conn_type", "host", "login", "password", "schema", "port", "extra")


def connection_id(task: Any) -> str:
    """Return the id of the connection that a rendered task uses."""
    return str(task.emporix_conn_id if hasattr(task, "emporix_conn_id") else task.cloudfn_conn_id)


def placeholder_fields(task: Any) -> dict[str, Any]:
    """Return the fields of a connection that leads nowhere, under a name that no host can have (RFC 6761, section 6.2)."""
    url = f"https://{connection_id(task).replace('_', '-').lower()}.test"
    if hasattr(task, "emporix_conn_id"):
        extra = {
            "environment": "custom",
            "event_receiver_url": f"{url}/events",
            "api_url": url,
            "client_id": "rehearsal",
            "client_secret": "withheld",
            "context_path": "/contexts/{instance_id}",
        }
        return {"conn_type": "emporix_oe", "login": "rehearsal", "password": "withheld", "extra": extra}
    return {"conn_type": "cloudfn", "host": url}


def hook_over(task: Any, fields: Mapping[str, Any]) -> ConnectionHook[Any]:
    """
    Return a task's hook over a connection that is given, not looked up.

    :param fields: As ``AIRFLOW_CONN_…`` takes them in JSON: ``conn_type``, ``host``, ``password``, ``extra`` …
    :raises ConfigurationError: when they are wrong.
    """
    from airflow.sdk import Connection

    given: object = fields
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"connection: must be a map with any of {', '.join(_FIELDS)}, not {in_words(given)}")
    for name in fields:
        if name not in _FIELDS:
            raise ConfigurationError(f"connection: {name!r} is none of {', '.join(_FIELDS)}")
    extra = fields.get("extra")
    text = json.dumps(extra) if isinstance(extra, Mapping) else extra
    return accepted(task, Connection(conn_id=connection_id(task), **{**fields, "extra": text}))


def accepted(task: Any, conn: Any) -> ConnectionHook[Any]:
    """
    Return a task's hook over an Airflow connection.

    :raises ConfigurationError: when it is of no type for the task, or wrong.
    """
    from airflow_provider_cloudfn.hooks.registry import hook_of

    if not hasattr(task, "emporix_conn_id"):
        return hook_of(conn)
    hook: ConnectionHook[Any] = task.hook()
    hook.accept(conn)
    return hook
