"""When the receiver takes out old deliveries: by itself, now and then, and never while a sender waits for it."""

from __future__ import annotations

import datetime as dt
import logging
import time
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import SQLAlchemyError

from airflow_provider_cloudfn.deliveries.sweep import STEP, sweep
from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.hooks.event_source import days_kept

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Sweeping"]

_log = logging.getLogger(__name__)

#: Seconds between two looks, and between two steps while there is more.
_PAUSE: Final = 60.0
_BETWEEN_STEPS: Final = 1.0


class Sweeping:
    """
    Takes out old deliveries, one step at a time.

    :param clock: Says how many seconds it is since some moment.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next = 0.0

    def is_due(self) -> bool:
        """Tell whether it is time for a step; who is told so takes it."""
        now = self._clock()
        if now < self._next:
            return False
        self._next = now + _PAUSE
        return True

    def step(self) -> None:
        """Take out some, and come again soon where there are more."""
        try:
            if sweep(days_kept(), dt.datetime.now(tz=dt.UTC)) >= STEP:
                self._next = self._clock() + _BETWEEN_STEPS
        except SQLAlchemyError as error:
            _log.warning("Old deliveries stay for now: %s", type(error).__name__)
        except ConfigurationError as error:
            _log.warning("Old deliveries stay for now: %s", error)
