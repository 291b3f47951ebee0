"""Which hook a connection takes, by its type."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk import BaseHook

from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.hooks.missing_connection import missing_connection

if TYPE_CHECKING:
    from airflow_provider_cloudfn.hooks.request import RequestHook

__all__ = ["ahook_for", "hook_for", "hook_of"]

#: The module and the class of each type's hook; only the one that is wanted is loaded.
_HOOKS: Final = {
    "cloudfn": ("airflow_provider_cloudfn.hooks.cloudfn", "CloudFunctionHook"),
    "amazon_connect": ("airflow_provider_cloudfn.hooks.amazon_connect", "AmazonConnectHook"),
}


def hook_for(conn_id: str, parameter: str = "cloudfn_conn_id") -> RequestHook[Any]:
    """
    Return the hook that makes requests over a connection.

    :param conn_id: A connection of type ``cloudfn`` or ``amazon_connect``.
    :param parameter: Where its name is written.
    :raises ConfigurationError: when there is none, or it is of another type, or wrong.
    """
    with missing_connection(conn_id, parameter, _HOOKS):
        conn = BaseHook.get_connection(conn_id)
    return hook_of(conn)


def hook_of(conn: Any) -> RequestHook[Any]:
    """
    Return the hook that makes requests over a connection that is at hand.

    :param conn: An Airflow connection of type ``cloudfn`` or ``amazon_connect``.
    :raises ConfigurationError: when it is of another type, or wrong.
    """
    hook = _hook(conn)
    hook.accept(conn)
    return hook


async def ahook_for(conn_id: str) -> RequestHook[Any]:
    """
    Do what :func:`hook_for` does, in an event loop.

    :param conn_id: A connection of type ``cloudfn`` or ``amazon_connect``.
    """
    with missing_connection(conn_id, "cloudfn_conn_id", _HOOKS):
        conn = await BaseHook.aget_connection(conn_id)
    hook = _hook(conn)
    await hook.aaccept(conn)
    return hook


def _hook(conn: Any) -> RequestHook[Any]:
    if conn.conn_type not in _HOOKS:
        known = " or ".join(repr(name) for name in _HOOKS)
        raise ConfigurationError(
            f" is of type {conn.conn_type!r}, over which no cloud function can be called; make it one of type {known}, or name "
            "another connection"
            + ("" if conn.conn_type else "; in a URI the type is written with a hyphen: 'amazon-connect://…'"),
            connection=conn.conn_id,
        )
    module, name = _HOOKS[conn.conn_type]
    hook: RequestHook[Any] = getattr(importlib.import_module(module), name)(conn.conn_id)
    return hook
