"""The rate limit of a connection, which holds for all who call over it: kept where the access tokens are."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING

from airflow_provider_cloudfn.client.rate_limit import PacedLimiter
from airflow_provider_cloudfn.client.turns_shared import SharedTurns
from airflow_provider_cloudfn.hooks.token_sharing import configured_store, shared_folder

if TYPE_CHECKING:
    from airflow_provider_cloudfn.client.rate_limit import Rate, RateLimiter
    from airflow_provider_cloudfn.client.turns import Turns

__all__ = ["limiter_of"]


def limiter_of(conn_id: str, base_url: str, rate: Rate | None) -> RateLimiter | None:
    """
    Return what calls over a connection wait for; one in a process for each connection, whatever event loop they are in.

    It is shared as ``[cloudfn] token_store`` says: with ``file`` among the processes of one user on one machine, with the URL
    of a Redis among machines, with ``memory`` among nobody. A token store of one's own has no place for it: then as with
    ``file``.

    :param base_url: Where its service is. Of another service, such as another environment's, the limit is another.
    :param rate: What the connection says; None where it says nothing.
    :raises ConfigurationError: when ``[cloudfn] token_store`` is wrong.
    """
    # With impersonation a process can become another user's.
    return None if rate is None else _limiter(os.geteuid(), conn_id, base_url, rate)


@lru_cache(maxsize=256)
def _limiter(user: int, conn_id: str, base_url: str, rate: Rate) -> RateLimiter:
    name = f"rate_limit of connection {conn_id!r}"
    # Of another rate, too: turns that were given at a slow one would hold up a fast one for as long.
    return PacedLimiter(rate, _turns(user, f"{conn_id} {base_url} {rate}", name), name=name)


def _turns(user: int, key: str, name: str) -> Turns | None:
    kind, url = configured_store()
    if kind == "memory":
        return None
    if kind == "redis":
        from airflow_provider_cloudfn.auth.token_redis import redis_client
        from airflow_provider_cloudfn.client.turns_redis import RedisTurns

        return SharedTurns(RedisTurns(redis_client(url), key), name)
    folder = shared_folder(user)
    if folder is None:
        return None
    from airflow_provider_cloudfn.client.turns_file import FileTurns

    return SharedTurns(FileTurns(folder, key), name)
