"""Tokens that machines share, sealed in Redis: 100 tasks on any number of workers ask for one token."""

from __future__ import annotations

import logging
import secrets
import time
from typing import TYPE_CHECKING, Final

from airflow_provider_cloudfn.auth.shared_tokens import (
    LARGEST_SEALED_TOKEN,
    UNKNOWN_LIFETIME,
    SharedTokenStore,
    sealed_name,
)
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from airflow_provider_cloudfn.auth.token_lock import TokenLock
    from airflow_provider_cloudfn.auth.token_store import AccessToken, MemoryTokenStore

__all__ = ["RedisTokenStore", "redis_client"]

log = logging.getLogger(__name__)

_PREFIX: Final = "cloudfn-token:"
#: Seconds that Redis may take for an answer: a call does not wait for what only saves it a token request.
_PATIENCE: Final = 2.0
#: Seconds for which Redis is left alone after it could not be reached.
_REST: Final = 10.0
#: Seconds after which the lock of a process that died is free again: fewer than anybody waits for it, or all who wait would
#: ask for a token at once. Who has it for longer may be joined by another one.
_LEASE: Final = 20
#: An expired token is kept for so many seconds more: it may have a refresh token.
_AFTERLIFE: Final = 24 * 3600.0

#: Removes a value only where it is still the one that is meant.
_REMOVE_IF = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end"


class RedisTokenStore(SharedTokenStore):
    """
    Keeps tokens in this process, and sealed in a Redis for all who are configured with the same one.

    While Redis can't be reached, each process keeps its own; that is told once.

    :param url: Where it is: ``redis://``, ``rediss://`` (TLS) or ``unix://``, perhaps with user, password and database.
    :param memory: Where this process keeps them.
    :raises ConfigurationError: when the URL is none, or the package ``redis`` is missing.
    """

    def __init__(self, url: str, memory: MemoryTokenStore | None = None) -> None:
        super().__init__(memory)
        self._redis = redis_client(url)
        self._rests_until = 0.0
        self._is_told = False

    def lock(self, key: str) -> TokenLock:
        """
        Return the right to fetch a token, which one of all who share the Redis has at a time.

        :returns: The lock, not taken yet.
        """
        return _RedisLock(self._memory.lock(key), self, f"{_PREFIX}{sealed_name(key)}:turn")

    def lease(self, name: str, holder: str) -> bool:
        """
        Take a lock for a while.

        :param name: The lock's name in Redis.
        :param holder: Who takes it.
        :returns: Whether it is taken; also where Redis can't be asked, so that nobody waits for it.
        """
        taken = self._ask(lambda: bool(self._redis.set(name, holder, nx=True, ex=_LEASE)))
        return taken is not False

    def give_back(self, name: str, holder: str) -> None:
        """
        Give a lock back, unless it is another one's by now.

        :param name: The lock's name in Redis.
        :param holder: Who took it.
        """
        self._ask(lambda: self._redis.eval(_REMOVE_IF, 1, name, holder))

    def _read(self, key: str) -> bytes | None:
        found = self._ask(lambda: self._redis.getrange(_PREFIX + sealed_name(key), 0, LARGEST_SEALED_TOKEN - 1))
        return found if isinstance(found, bytes) and found else None

    def _write(self, key: str, sealed: bytes, token: AccessToken) -> None:
        end = time.time() + UNKNOWN_LIFETIME if token.expires_at is None else token.expires_at + _AFTERLIFE
        seconds = max(1, int(min(end - time.time(), 366 * 24 * 3600)))
        self._ask(lambda: self._redis.set(_PREFIX + sealed_name(key), sealed, ex=seconds))

    def _remove(self, key: str, sealed: bytes) -> None:
        self._ask(lambda: self._redis.eval(_REMOVE_IF, 1, _PREFIX + sealed_name(key), sealed))

    def _ask(self, command: Callable[[], object]) -> object:
        """Return what Redis answers, None where it can't be reached."""
        import redis

        if time.monotonic() < self._rests_until:
            return None
        try:
            return command()
        except (redis.RedisError, OSError) as error:
            self._rests_until = time.monotonic() + _REST
            # By its kind alone: its text can hold the URL.
            level = logging.DEBUG if self._is_told else logging.WARNING
            kind = type(error).__name__
            log.log(
                level, "[cloudfn] token_store: Redis can't be asked (%s); each process asks for tokens of its own", kind
            )
            self._is_told = True
            return None


class _RedisLock:
    """One at a time within this process, and one process at a time of all that share the Redis."""

    def __init__(self, own: TokenLock, store: RedisTokenStore, name: str) -> None:
        self._own = own
        self._store = store
        self._name = name
        self._holder: str | None = None

    def try_acquire(self) -> bool:
        if self._holder is not None:
            return True
        if not self._own.try_acquire():
            return False
        holder = secrets.token_hex(16)
        if not self._store.lease(self._name, holder):
            self._own.release()
            return False
        self._holder = holder
        return True

    def release(self) -> None:
        if self._holder is not None:
            holder, self._holder = self._holder, None
            self._store.give_back(self._name, holder)
        self._own.release()


def redis_client(url: str) -> Redis:
    """
    Return a client of a Redis, which is not asked anything yet.

    :param url: As of :class:`RedisTokenStore`.
    :raises ConfigurationError: when the URL is none, or the package ``redis`` is missing.
    """
    try:
        import redis
    except ImportError:
        raise ConfigurationError(
            "[cloudfn] token_store: names a Redis, and the package redis is not installed: install "
            "airflow-provider-cloudfn[redis]"
        ) from None
    try:
        return redis.Redis.from_url(
            url,
            socket_timeout=_PATIENCE,
            socket_connect_timeout=_PATIENCE,
            retry_on_timeout=False,
            decode_responses=False,
            # All that is asked for has one form in both protocols; in the newer one redis 8.0 can't talk through a socket file.
            protocol=2,
        )
    except ValueError:
        raise ConfigurationError(
            "[cloudfn] token_store: is no URL of a Redis; write such as 'redis://cache.example.com:6379/0' (rediss:// for TLS)"
        ) from None
