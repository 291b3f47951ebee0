"""When the receiver takes out old deliveries: by itself, now and then, and never while a sender waits for it."""

from __future__ import annotations

import datetime as dt
import logging
import time
from typing import TYPE_CHECKING, Final

from airflow.providers.common.compat.sdk import conf
from sqlalchemy.exc import SQLAlchemyError

from airflow_provider_cloudfn.deliveries.sweep import STEP, sweep

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Sweeping"]

_log = logging.getLogger(__name__)

#: Days, where the configuration says nothing.
_KEPT: Final = 7
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
            days = conf.getint("cloudfn", "deliveries_kept", fallback=_KEPT)
            if sweep(days, dt.datetime.now(tz=dt.UTC)) >= STEP:
                self._next = self._clock() + _BETWEEN_STEPS
        except SQLAlchemyError as error:
            _log.warning("Old deliveries stay for now: %s", type(error).__name__)
