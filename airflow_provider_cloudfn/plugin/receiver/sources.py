"""The event sources that ``[cloudfn] event_sources`` names, read from their connections and kept for a short while."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.hooks.event_source import named_sources
from airflow_provider_cloudfn.webhooks.refused import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_cloudfn.webhooks.source import EventSource

__all__ = ["KEPT", "Sources", "is_named"]

_log = logging.getLogger(__name__)

#: For so many seconds a connection is not read again: after them a secret that was changed, or withdrawn, is so.
KEPT: Final = 30.0
#: For so many seconds one that can't be read is not tried again.
_KEPT_BROKEN: Final = 5.0
#: Seconds after which its sender may come again.
_COME_AGAIN: Final = 60.0


class _Kept(Struct, frozen=True):
    until: float
    source: EventSource | None


def is_named(name: str) -> bool:
    """
    Tell whether the configuration names a source. Whatever else a path names is looked up nowhere.

    :param name: A connection's id.
    """
    return name in named_sources()


class Sources:
    """
    Event sources by their names.

    :param read: Returns the event source of a connection's id; it may raise ConfigurationError.
    :param clock: Says how many seconds it is since some moment.
    """

    def __init__(self, read: Callable[[str], EventSource], clock: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._clock = clock
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()

    def kept(self, name: str) -> EventSource | None:
        """
        Return a source that was read a short while ago; None where it must be read.

        :param name: One that the configuration names.
        :raises RefusedError: 503, where it could not be read a short while ago.
        """
        kept = self._kept.get(name)
        if kept is None or kept.until < self._clock():
            return None
        if kept.source is None:
            raise RefusedError(503, "source_misconfigured", retry_after=_COME_AGAIN)
        return kept.source

    def load(self, name: str) -> EventSource:
        """
        Return a source, read from its connection where need be. It waits for the database, or a secret backend.

        :param name: One that the configuration names.
        :raises RefusedError: 503, where its connection is not there, or wrong: the log says how.
        """
        with self._lock:  # Whoever waits here finds it read.
            source = self.kept(name)
            if source is None:
                source = self._loaded(name)
                seconds = _KEPT_BROKEN if source is None else KEPT
                self._kept[name] = _Kept(self._clock() + seconds, source)
        if source is None:
            raise RefusedError(503, "source_misconfigured", retry_after=_COME_AGAIN)
        return source

    def _loaded(self, name: str) -> EventSource | None:
        try:
            return self._read(name)
        except ConfigurationError as error:
            _log.error("The event source %s takes nothing: %s", name, error)
        return None
