"""Turns that machines share, in Redis: by its clock, and in one step each, so that all agree on what comes next."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn.client.daemon_thread import in_daemon_thread
from airflow_provider_cloudfn.client.turns import Turn
from airflow_provider_cloudfn.client.turns_shared import TurnsUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from airflow_provider_cloudfn.client.turns import Pace

__all__ = ["RedisTurns"]

_PREFIX: Final = "cloudfn-rate:"
#: No wait is longer than so many seconds.
_LONGEST: Final = 1e9

#: What :class:`Schedule` is in Python, in microseconds of the server's clock. Lua gives back numbers as text: it cuts others.
_READ: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local held = redis.call('HMGET', KEYS[1], 'due', 'paused_until', 'written_at')
local due, paused_until, written_at = tonumber(held[1]) or 0, tonumber(held[2]) or 0, tonumber(held[3]) or 0
local function keep()
  local function text(number) return string.format('%.3f', number) end
  redis.call('HSET', KEYS[1], 'due', text(due), 'paused_until', text(paused_until), 'written_at', text(now))
  redis.call('PEXPIRE', KEYS[1], math.max(0, math.ceil((math.max(due, paused_until) - now) / 1000)) + 1000)
end
-- Where the server's clock was set back, or another server has taken over, what was written is set back as much.
if written_at > now then
  due, paused_until = due - (written_at - now), paused_until - (written_at - now)
  keep()
end
"""
_TAKE: Final = (
    _READ
    + """
local interval, tolerance, at_most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local moment = math.max(now, due - tolerance, paused_until)
local is_paused = paused_until > now
if moment - now <= at_most then
  due = math.max(due, moment) + interval
  keep()
end
return {string.format('%.3f', moment - now), is_paused and '1' or '0'}
"""
)
_PAUSE: Final = (
    _READ
    + """
local tolerance, ends = tonumber(ARGV[1]), now + tonumber(ARGV[2])
due, paused_until = math.max(due, ends + tolerance), math.max(paused_until, ends)
keep()
return '0'
"""
)
_PAUSED_FOR: Final = (
    _READ
    + """
return string.format('%.3f', math.max(0, paused_until - now))
"""
)


class RedisTurns:
    """
    Turns for all who are configured with the same Redis.

    :param redis: Its client.
    :param key: What names the limit.
    :raises TurnsUnavailableError: from each method, when Redis can't be asked.
    """

    def __init__(self, redis: Redis, key: str) -> None:
        self._name = _PREFIX + hashlib.sha256(key.encode()).hexdigest()[:32]
        self._take = redis.register_script(_TAKE)
        self._pause = redis.register_script(_PAUSE)
        self._paused_for = redis.register_script(_PAUSED_FOR)

    async def take(self, pace: Pace, at_most: float) -> Turn:
        """Take the next turn."""
        wait, is_paused = await self._ask(self._take, pace.interval, pace.tolerance, at_most)
        return Turn(float(wait) / 1e6, is_paused == b"1")

    async def paused_for(self) -> float:
        """Return how long the pause still is."""
        return float(await self._ask(self._paused_for)) / 1e6

    async def pause(self, pace: Pace, seconds: float) -> None:
        """Give no turns for a while."""
        await self._ask(self._pause, pace.tolerance, seconds)

    async def _ask(self, script: Callable[..., Any], *seconds: float) -> Any:
        import redis

        arguments = [f"{max(-_LONGEST, min(number, _LONGEST)) * 1e6:.3f}" for number in seconds]
        try:
            # The client waits for an answer: not in the event loop.
            return await in_daemon_thread(lambda: script(keys=[self._name], args=arguments), "cloudfn-rate")
        except (redis.RedisError, OSError) as error:
            # By its kind alone: its text can hold the URL.
            raise TurnsUnavailableError(f"Redis can't be asked: {type(error).__name__}") from None
